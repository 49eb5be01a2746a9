#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: a kernel of our own configuration and the tree that modules for it are built in: from the distribution's source, in the cache.
# Must not know: what runs in it.
# Concurrency: any number at once: each is made once, under a lock of its own, and renamed into place whole.
# kernel.sh ARCH CONFIG...: ARCH is um or x86_64. Prints the folder of "linux" (um: a program) or "vmlinuz", "arch", "release", "tree"
# and "root" (with lib/modules). A new source, configuration, compiler or script makes a new one; a file that has changed, too.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
kernel=7.3

say() { printf '# kernel: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

make_it() { nice make -C "$tree" "ARCH=$arch" -j"$(nproc)" "$@"; }

# All that is not asked for is off; what is asked for and does not come has to be said.
configure() {
	cat "${configs[@]}" > "$scratch/config"
	make_it KCONFIG_ALLCONFIG="$scratch/config" allnoconfig || return 1
	grep '^CONFIG_' "$scratch/config" | sort -u > "$scratch/asked"
	sort "$tree/.config" | comm -23 "$scratch/asked" - > "$scratch/missing"
	[ ! -s "$scratch/missing" ] || { echo "this kernel cannot have: $(tr '\n' ' ' < "$scratch/missing")"; return 1; }
}

compile() {
	configure && make_it "$target" modules && make_it -s kernelrelease > "$scratch/new/release" &&
		make_it INSTALL_MOD_PATH="$scratch/new/root" INSTALL_MOD_STRIP=1 DEPMOD=true modules_install &&
		rm -f "$scratch"/new/root/lib/modules/*/{build,source} &&
		"$tools/bin/busybox" depmod -b "$scratch/new/root" "$(< "$scratch/new/release")"
}

# What a module needs to be built stays: headers, scripts, makefiles.
prune() {
	cd "$tree"
	rm -rf Documentation LICENSES block certs crypto drivers fs init io_uring ipc kernel lib mm net rust samples security \
		sound usr virt vmlinux* linux .tmp* .git*
	find tools -type f ! -path tools/objtool/objtool -delete
	find arch -mindepth 1 -maxdepth 1 -type d ! -name um ! -name x86 -exec rm -rf {} +
	find . -type f \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '*.order' \) ! -path './scripts/*' -delete
	find . -type f \( -name '*.[cS]' -o -name '*.dts*' \) ! -path './scripts/*' -delete
	find . -depth -type d -empty -delete
}

build() {
	tree=$scratch/new/tree
	mkdir -p "$tree"
	say "unpacking $(basename "$source")"
	tar -xf "$source" -C "$tree" --strip-components=1
	say "building Linux $kernel, $arch, $(basename -a "${configs[@]}" | paste -sd+): some minutes, once"
	compile > "$scratch/log" 2>&1 || { tail -n 30 "$scratch/log" >&2; die "it does not build"; }
	case $arch in
	um) strip -o "$scratch/new/linux" "$tree/linux" ;;
	*) cp "$tree/arch/x86/boot/bzImage" "$scratch/new/vmlinuz" ;;
	esac
	echo "$arch" > "$scratch/new/arch"
	(prune)
	(cd "$scratch/new" && find . -type f -print0 | sort -z | xargs -0 sha256sum > "$scratch/sums")
	mv "$scratch/sums" "$scratch/new/SHA256SUMS"
	rm -rf "$made"
	mv -T "$scratch/new" "$made"
}

[ $# -ge 2 ] || die "kernel.sh ARCH CONFIG..."
arch=$1 configs=("${@:2}")
case $arch in
um) target=linux ;;
x86_64) target=bzImage ;;
*) die "no target for $arch" ;;
esac
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
source=$("$here/../vm/image.sh" packages "$kernel" "linux-source-$kernel")/usr/src/linux-source-$kernel.tar.xz
tools=$("$here/../vm/image.sh" tools)
made=$cache/own/$arch-$({ sha256sum < "$source"; cat "${configs[@]}" "$here/kernel.sh"; "${CC:-gcc}" --version; } | sha256sum | cut -c1-16)
mkdir -p "$cache/own"
exec {lock}> "$made.lock"
flock "$lock"
{ [ -f "$made/SHA256SUMS" ] && (cd "$made" && sha256sum --check --quiet --strict SHA256SUMS >&2); } || build
echo "$made"
