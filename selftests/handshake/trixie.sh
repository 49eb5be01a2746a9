#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the library and its tests on Debian 13 (OpenSSL 3.5): a root made of its packages in the cache, entered by chroot.
# Must not know: what the tests test.
# Concurrency: one at a time, held by a lock. Nothing of this machine changes; needs root for chroot and mounts.
# trixie.sh ['PROGRAM[:TEST]' [FLAVOUR...]]: builds there, runs there (plain), ends with "N passed, N failed, N skipped".
# trixie.sh --in COMMAND...: any command in the root, with the sources at /src and the build folder at /build.
set -euo pipefail

suite=trixie
packages=(base-files bash binutils coreutils curl dash findutils gcc gnutls-bin grep libc-bin libc6-dev libssl-dev make mawk
	nginx-light openssl sed)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
own=$cache/apt/$suite
work=$cache/build/$suite-$(printf '%s' "$top" | sha256sum | cut -c1-12)

say() { printf '# %s: %s\n' "$suite" "$*" >&2; }
die() { say "$@"; exit 1; }

# The mirrors are those of this machine's apt, in an apt configuration of our own; an empty system makes it name everything.
prepare_apt() {
	local uri

	mkdir -p "$own/lists/partial"
	: > "$own/status"
	apt=(-o "Dir::State::status=$own/status" -o "Dir::State::lists=$own/lists" -o "Dir::Etc::sourcelist=$own/sources.list"
		-o Dir::Etc::sourceparts=/none -o Debug::NoLocking=1 -o APT::Install-Recommends=false
		-o "APT::Sandbox::User=$(id -un)" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
	[ -n "$(find "$own/sources.list" -mtime -1 2> /dev/null)" ] && return
	apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' | sort -u | while read -r uri; do
		case $uri in
		*security*) echo "deb $uri $suite-security main" ;;
		*) echo "deb $uri $suite main" ;;
		esac
	done > "$own/sources.list"
	say "reading the package lists"
	apt-get "${apt[@]}" -qq update >&2 || { rm -f "$own/sources.list"; die "apt finds no suite $suite"; }
}

is_whole() {
	[ -f "$1.sums" ] && (cd "$1" && sha256sum --check --quiet --strict "$1.sums" >&2)
}

# unpack DIR: what the scripts of packages would do, as far as a build needs it, is done by hand.
unpack() {
	local root=$1 debs deb

	debs=$(mktemp -d "$cache/tmp.XXXXXX")
	(cd "$debs" && apt-get "${apt[@]}" -qq download "${names[@]}" > /dev/null) || die "cannot download"
	dpkg-deb -x "$debs"/base-files_*.deb "$root"
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$root"
	done
	rm -rf "$debs" "${root:?}"/usr/share/{doc,man,locale,info}
	ln -sf mawk "$root/usr/bin/awk"
	ln -sf dash "$root/usr/bin/sh"
	printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false www-data:x:33:33:www:/:/bin/false > "$root/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: www-data:x:33: > "$root/etc/group"
	mkdir -p "$root"/{src,build,proc,dev,tmp}
	ldconfig -r "$root"
}

# Sets root: a new version of any package makes a new one.
choose_root() {
	local plan tmp

	plan=$(apt-get "${apt[@]}" -o Dir::Cache::archives=/none --print-uris -qq -y install "${packages[@]}" | awk '{ print $2, $3 }' | sort)
	[ -n "$plan" ] || die "apt cannot resolve: ${packages[*]}"
	mapfile -t names < <(printf '%s\n' "$plan" | sed 's/_.*//')
	root=$cache/root/$suite-$(printf '%s\n' "$plan" | sha256sum | cut -c1-16)
	is_whole "$root" && return
	say "unpacking ${#names[@]} packages"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	unpack "$tmp"
	rm -rf "$root"
	chmod 755 "$tmp"
	mkdir -p "$(dirname "$root")"
	mv -T "$tmp" "$root"
	(cd "$root" && find . -xdev -type f -print0 | sort -z | xargs -0 sha256sum) > "$root.sums.new"
	mv "$root.sums.new" "$root.sums"
}

# Mounts live in a namespace of their own and end with the command.
enter() {
	mkdir -p "$work"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private bash -euc '
		root=$1 top=$2 work=$3
		shift 3
		mount --bind "$top" "$root/src"
		mount -o remount,ro,bind "$root/src"
		mount --bind "$work" "$root/build"
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/tmp TMPDIR=/tmp LC_ALL=C.UTF-8 \
			KTLSX_SLOW="${KTLSX_SLOW:-1}" "$@"
	' enter "$root" "$top" "$work" "$@"
}

[ "$(id -u)" = 0 ] || die "only root can enter a root of Debian 13"
mkdir -p "$cache"
exec {lock}> "$cache/$suite.lock"
flock "$lock"
prepare_apt
choose_root
if [ "${1:-}" = --in ]; then
	shift
	enter "$@"
	exit
fi
pattern=${1:-}
shift || true
flavours=("${@:-plain}")
enter openssl version | sed "s/^/# $suite: /"
for flavour in "${flavours[@]}"; do
	enter nice make --no-print-directory -s -C /src/selftests/handshake -j"$(nproc)" CC=gcc BUILD=/build "run-$flavour" "T=$pattern"
done
