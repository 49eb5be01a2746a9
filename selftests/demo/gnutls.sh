#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: a GnuTLS that can use kernel TLS. Debian's can not: its package is built without (debian/changelog, 3.7.9-2), whatever the
# configuration says. So this builds a source package of Debian's with --enable-ktls, into the cache, and installs nothing.
# Must not know: what is done with it.
# Concurrency: any number at once; made under a lock, renamed into place whole.
# gnutls.sh KERNEL: prints the folder of gnutls-serv, gnutls-cli and libgnutls.so.30, for guests of that kernel's release. Bookworm's
# is built from bookworm's source, on this machine; trixie's in a root of its packages, from forky's, the first that changes keys in
# the kernel.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# Nothing but what two programs on a loopback device need.
options=(--enable-ktls --disable-doc --disable-tests --disable-cxx --disable-nls --disable-libdane --disable-guile --disable-static
	--without-p11-kit --without-idn --without-brotli --without-zstd --without-zlib --without-tpm --without-tpm2
	--with-included-libtasn1 --with-included-unistring --disable-openssl-compatibility)
tools=(base-files bash binutils busybox-static coreutils dash diffutils findutils gawk gcc grep libc6-dev libgmp-dev make nettle-dev
	pkgconf sed)

say() { printf '# gnutls: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# In an apt configuration of our own: this machine's may not list sources. apt checks what it gets against the signed index.
fetch_source() {
	local apt=$cache/apt/source-$from
	local -a own=(-o "Dir::State::lists=$apt/lists" -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/none
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=1 -o "APT::Sandbox::User=$(id -un)")

	mkdir -p "$apt/lists/partial"
	apt-get indextargets --format "\$(REPO_URI) \$(RELEASE)" 'Created-By: Packages' | sort -u |
		awk -v keys="$keys" -v from="$from" '
		/ bookworm$/ { print "deb-src [signed-by=" keys "]", $1, from, "main" }
		/ bookworm-security$/ && from == "bookworm" { print "deb-src [signed-by=" keys "]", $1, $2, "main" }' \
		> "$apt/sources.list"
	[ -s "$apt/sources.list" ] || die 'apt knows no bookworm'
	apt-get "${own[@]}" -qq update >&2
	apt-get "${own[@]}" -qq source --download-only gnutls28 >&2
}

# In folders source and build of the current one.
write_recipe() {
	cat > recipe <<-END
		set -e
		cd "\$(dirname "\$0")/build"
		../source/configure --quiet CFLAGS='-O1 -w' ${options[*]}
		for part in gl lib src/gl; do make -s -j$(nproc) -C \$part; done
		make -s -j$(nproc) -C src gnutls-serv gnutls-cli
	END
}

compile() {
	write_recipe
	case $from in
	bookworm) sh recipe ;;
	*) "$here/../vm/root.sh" run "$root" "$PWD" sh /tmp/build/recipe ;;
	esac
}

build() {
	say "building, once, a few minutes (log: $PWD/log)"
	mkdir source build ready
	tar -x -f gnutls28_*.orig.tar.?z -C source --strip-components=1
	compile > log 2>&1 || { tail -n 20 log >&2; die 'GnuTLS does not build'; }
	cp build/src/.libs/gnutls-{serv,cli} ready/
	cp -L build/lib/.libs/libgnutls.so.30 ready/
	strip ready/*
	(cd ready && sha256sum -- * > "$scratch/sums")
	mv sums ready/SHA256SUMS
}

[ $# = 1 ] || die "gnutls.sh KERNEL"
read -r _ release _ < <(grep -E "^$1[[:space:]]" "$here/../vm/kernels") || die "no kernel $1"
case $release in
bookworm*) from=bookworm root= ;;
*) from=forky root=$("$here/../vm/image.sh" packages "$1" "${tools[@]}") ;;
esac
# Another configuration is another folder.
name=gnutls/$(printf '%s\n' "$from" "$(basename "$root")" "${options[@]}" | sha256sum | cut -c1-12)
mkdir -p "$cache/gnutls"
exec {lock}> "$cache/gnutls/lock"
flock "$lock"
if ! { [ -f "$cache/$name/SHA256SUMS" ] && (cd "$cache/$name" && sha256sum --check --quiet SHA256SUMS >&2); }; then
	scratch=$(mktemp -d "$cache/gnutls/tmp.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	cd "$scratch"
	fetch_source
	build
	rm -rf "${cache:?}/$name"
	mv -T ready "$cache/$name"
fi
echo "$cache/$name"
