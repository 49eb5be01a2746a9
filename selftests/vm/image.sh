#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: what a guest boots from: a stock Debian kernel, our module built against that very kernel, one cpio.
# Must not know: how the guest is started, nor what its programs test.
# Concurrency: any number at once; what is shared lives in the cache, is made under a lock and renamed into place whole.
# Nothing is installed on this machine but kernel headers of its own suite (root only); packages are unpacked into the cache. The
# headers of another suite want that suite's compiler, and stay in a root of its packages, which root.sh enters.
set -euo pipefail
shopt -s inherit_errexit

usage() {
	cat <<-'END'
	image.sh [options] KERNEL DIR      write DIR/{vmlinuz,initrd,abi}; KERNEL is a name in the file "kernels"
	  --list FILE       becomes /run.list, lines "seconds program [argument]"; only these programs are packed
	  --packages NAMES  add these Debian packages and what they depend on
	  --root DIR        lay this tree over all that (may be repeated)
	  --own DIR         boot the kernel of this folder of uml/kernel.sh; KERNEL says where the tools come from
	  --no-module       leave our module out
	image.sh module KERNEL FILE        build our module against that kernel, into FILE; the compiler's words go to stdout
	image.sh headers KERNEL            print the folder of the kernel headers, installing them if need be
	image.sh compiler KERNEL           print the folder of a root with headers, compiler and C library of that kernel's suite
	image.sh packages KERNEL NAME...   print the folder of a root made of packages of that kernel's suite
	image.sh tools                     print the folder of the root that is below every guest
	END
	exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx

# Modules of the guest, with what they depend on; the crypto ones are what the in-tree tls asks for by name, and the libraries
# ours links with. A kernel that has one built in, or has none of that name, goes without.
guest_modules=(tls kcm tun tcp_diag inet_diag unix_diag veth dummy ifb bonding sch_netem sch_tbf aesni-intel cryptd gcm ctr ccm
	ghash-generic ghash-clmulni-intel chacha20poly1305 chacha chacha-x86_64 poly1305-x86_64 libchacha libpoly1305 tcrypt)
# Tools of every guest; few, because an emulated CPU loads each byte. base-files: where /bin and /lib are links, it brings them.
guest_tools=(base-files busybox-static dash iproute2 ethtool)
# Whose suite a kernel of our own has them from.
default_kernel=6.1
compiler_tools=(base-files bash binutils busybox-static coreutils dash gcc libc6-dev linux-headers-amd64 make)

say() { printf '# image: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# in_cache NAME: the cache holds that folder, and every file in it is as it was made.
in_cache() {
	[ -f "$cache/$1/SHA256SUMS" ] && (cd "$cache/$1" && sha256sum --check --quiet SHA256SUMS >&2)
}

# into_cache DIR NAME
into_cache() {
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum > "$scratch/sums")
	mv "$scratch/sums" "$1/SHA256SUMS"
	chmod 755 "$1"
	mkdir -p "$(dirname "$cache/$2")"
	rm -rf "${cache:?}/$2"
	mv -T "$1" "$cache/$2"
}

# A suite this machine's apt does not know comes from the same mirrors, in an apt configuration of our own. Backports lean
# on their base suite and come last unless asked for.
own_sources() {
	local own=$cache/apt/$1 base=${1%-backports} uri suite

	apt+=(-o "Dir::State::lists=$own/lists" -o "Dir::Etc::sourcelist=$own/sources.list" -o Dir::Etc::sourceparts=/none)
	[ "$1" = "$base" ] || apt+=(-o "APT::Default-Release=$1")
	[ -n "$(find "$own/sources.list" -mtime -1 2> /dev/null)" ] && return
	mkdir -p "$own/lists/partial"
	apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' | sort -u | while read -r uri; do
		case $uri in
		*security*) echo "deb $uri $base-security main" ;;
		*) for suite in $(printf '%s\n' "$base" "$1" | sort -u); do echo "deb $uri $suite main"; done ;;
		esac
	done > "$own/sources.new"
	say "reading the package lists of $1"
	apt-get "${apt[@]}" -o "Dir::Etc::sourcelist=$own/sources.new" -qq update >&2 || die "apt finds no suite $1"
	mv "$own/sources.new" "$own/sources.list"
}

# Reads the line of a kernel; sets foreign when its suite is none of this machine's; sets apt: options that show this machine's apt an empty system, so that it names every
# package a root needs, and that write nothing outside the cache.
choose_kernel() {
	read -r _ suite image_package headers_package < <(grep -E "^$1[[:space:]]" "$here/kernels") ||
		die "no kernel $1 in $here/kernels"
	mkdir -p "$cache/apt"
	: > "$cache/apt/status"
	apt=(-o "Dir::State::status=$cache/apt/status" -o Debug::NoLocking=1 -o APT::Install-Recommends=false
		-o "APT::Sandbox::User=$(id -un)" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
	foreign=
	apt-get indextargets --format "\$(RELEASE)" | grep -qx "$suite" || { foreign=1; own_sources "$suite"; }
}

newest_abi() {
	apt-cache "${apt[@]}" depends "$image_package" 2> /dev/null | sed -n 's/^ *Depends: linux-image-//p'
}

headers_dir() { echo "${compiler_root:-}/usr/src/linux-headers-$1"; }

# Sets abi: the newest kernel whose headers are here or can be installed; of a foreign suite, also compiler_root.
choose_abi() {
	local dir

	abi=$(newest_abi)
	if [ -n "$foreign" ]; then
		compiler_root=$(packages_dir "${compiler_tools[@]}")
		[ -d "$(headers_dir "$abi")" ] || die "$suite has no headers of $image_package ($abi)"
		return
	fi
	if [ "$(id -u)" = 0 ]; then
		[ -n "$abi" ] || { say "apt-get update"; apt-get -qq update >&2; abi=$(newest_abi); }
		[ -d "$(headers_dir "$abi")" ] || { say "installing linux-headers-$abi"
			DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "linux-headers-$abi" > /dev/null; }
	fi
	[ -n "$abi" ] || die "apt offers no $image_package: as root, apt-get update"
	[ -d "$(headers_dir "$abi")" ] && return
	say "linux-headers-$abi is missing, and only root can install it"
	for dir in /usr/src/linux-headers-"${abi%%-*}"-*-amd64; do
		[ -d "$dir" ] || die "no kernel headers: as root, apt-get install $headers_package"
		abi=${dir#/usr/src/linux-headers-}
	done
}

# fetch DIR PACKAGE...: apt checks what it downloads against the signed index; an old index may name what is gone.
fetch() {
	local dir=$1 debs deb
	shift

	debs=$(mktemp -d "$scratch/XXXXXX")
	(
		cd "$debs"
		apt-get "${apt[@]}" -qq download "$@" > /dev/null || {
			[ "$(id -u)" = 0 ] || die "cannot download $*: as root, apt-get update"
			apt-get -qq update >&2
			apt-get "${apt[@]}" -qq download "$@" > /dev/null
		}
	)
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
}

# BusyBox fills in every tool that no package brought. It is not the shell: its own tools would come before all others.
link_applets() {
	local root=$1 applet

	[ -x "$root/bin/busybox" ] || return 0
	ln -sf dash "$root/bin/sh"
	find "$root"/{,usr/}{,s}bin -printf '%f\n' | sort -u > "$scratch/present"
	for applet in $("$root/bin/busybox" --list | sort | comm -23 - "$scratch/present"); do
		ln -s busybox "$root/bin/$applet"
	done
	ln -sf /bin/busybox "$root/sbin/modprobe"
}

# packages_dir NAME...: prints the folder of their tree; a new version of any of them makes a new tree.
packages_dir() {
	local plan name tmp
	local -a names

	plan=$(apt-get "${apt[@]}" -o Dir::Cache::archives=/none --print-uris -qq -y install "$@" | awk '{ print $2, $3 }' | sort)
	[ -n "$plan" ] || die "apt cannot resolve: $*"
	name=root/$(printf '%s\n' "$plan" "$@" | sha256sum | cut -c1-16)
	if ! in_cache "$name"; then
		say "unpacking $(wc -l <<< "$plan") packages for: $*"
		tmp=$(mktemp -d "$scratch/XXXXXX")
		mapfile -t names < <(printf '%s\n' "$plan" | sed 's/_.*//')
		fetch "$tmp" "${names[@]}"
		(cd "$tmp/usr" && rm -rf share/{doc,man,locale,info,lintian,bash-completion,perl5,debconf,zsh,menu,bug} \
			lib/x86_64-linux-gnu/{gconv,perl-base,perl} bin/perl* lib/locale)
		link_applets "$tmp"
		into_cache "$tmp" "$name"
	fi
	echo "$cache/$name"
}

# In a folder with modules.dep: prints the files of the modules named on stdin, and of all they need.
needed_modules() {
	awk '
	function key(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
	function want(path, part, i, n) {
		if (path in wanted)
			return
		wanted[path] = 1
		print path
		n = split(needs[path], part, " ")
		for (i = 1; i <= n; i++)
			want(part[i])
	}
	NR == FNR { path = $1; sub(/:$/, "", path); $1 = ""; needs[path] = $0; path_of[key(path)] = path; next }
	key($0) in path_of { want(path_of[key($0)]) }' modules.dep -
}

# prune_modules ROOT BUSYBOX: keep what the guest needs, uncompressed.
prune_modules() {
	"$2" depmod -b "$1" "$abi"
	(
		cd "$1/lib/modules/$abi"
		printf '%s\n' "${guest_modules[@]}" | needed_modules | sort > needed
		find . -name '*.ko*' -type f -printf '%P\n' | sort | comm -23 - needed | tr '\n' '\0' | xargs -0r rm -f
		rm needed
		find . -name '*.ko.xz' -exec xz -d {} +
		find . -name '*.ko.zst' -exec zstd -q -d --rm {} +
		find . -depth -type d -empty -delete
	)
	"$2" depmod -b "$1" "$abi"
}

# Newer suites split the image into several packages, and lay all of it under usr/lib/modules.
image_packages() {
	echo "linux-image-$abi"
	apt-cache "${apt[@]}" depends "linux-image-$abi" | sed -n "s/^ *Depends: \(linux-[a-z]*-$abi\)\$/\1/p"
}

# lay_kernel FROM TO: TO/vmlinuz and TO/root/lib/modules. What is a folder here must not be a link in another layer.
lay_kernel() {
	mkdir -p "$2/root"
	if [ -d "$1/usr/lib/modules/$abi" ]; then
		mkdir -p "$2/root/usr/lib/modules"
		ln -s usr/lib "$2/root/lib"
		mv "$1/usr/lib/modules/$abi/vmlinuz" "$2/vmlinuz"
		mv "$1/usr/lib/modules/$abi" "$2/root/lib/modules/"
	else
		mkdir -p "$2/root/lib/modules"
		mv "$1/boot/vmlinuz-$abi" "$2/vmlinuz"
		mv "$1/lib/modules/$abi" "$2/root/lib/modules/"
	fi
}

# Prints the folder of vmlinuz and root/lib/modules.
kernel_dir() {
	local name tmp root=$1
	local -a names
	name=kernel/$abi-$(printf '%s\n' "${guest_modules[@]}" | sha256sum | cut -c1-12)

	if ! in_cache "$name"; then
		say "unpacking linux-image-$abi"
		tmp=$(mktemp -d "$scratch/XXXXXX")
		mapfile -t names < <(image_packages)
		fetch "$tmp/all" "${names[@]}"
		lay_kernel "$tmp/all" "$tmp/kernel"
		prune_modules "$tmp/kernel/root" "$root/bin/busybox"
		into_cache "$tmp/kernel" "$name"
	fi
	echo "$cache/$name"
}

# KASAN makes frames larger than they are: the stock kernels judge those.
compile_module() {
	if [ -n "$own" ]; then
		make -C "$own/tree" "ARCH=$(< "$own/arch")" "M=$1" -j"$(nproc)" KCFLAGS=-Wframe-larger-than=8192 modules
	elif [ -n "$foreign" ]; then
		"$here/root.sh" module "$compiler_root" "$1"
	else
		make -C "$(headers_dir "$abi")" "M=$1" -j"$(nproc)" modules
	fi
}

# Outside the clone: one folder per kernel and clone, so that kernels do not collide and the clone stays as it was.
build_module() {
	local work lock file
	work=$cache/build/$abi-$(printf '%s' "$top" | sha256sum | cut -c1-12)

	mkdir -p "$work/src"
	exec {lock}> "$work/lock"
	flock "$lock"
	(cd "$top" && find kmod uapi selftests/consumer -type f \( -name '*.[chS]' -o -name Kbuild -o -name '*.mk' -o -name '*.include' -o -name '*.sh' \) \
		! -name '*.mod.c' | sort) > "$work/sources"
	(cd "$work/src" && find . -type f \( -name '*.[chS]' -o -name Kbuild \) ! -name '*.mod.c' -printf '%P\n' | sort |
		sed '/^Kbuild$/d' | comm -23 - "$work/sources" | xargs -r rm -f)
	# By content, with a new time each: an edit during a build must not look older than the object made before it.
	while read -r file; do
		cmp -s "$top/$file" "$work/src/$file" || install -D -m 644 "$top/$file" "$work/src/$file"
	done < "$work/sources"
	# With the module that the test "consumer" loads. No object is made of it: its time does not matter.
	echo 'obj-m += kmod/ selftests/consumer/' > "$work/src/Kbuild"
	say "building ktlsx.ko for $abi"
	compile_module "$work/src" > "$work/log" 2>&1 || {
		tail -n 40 "$work/log" >&2
		die "ktlsx does not build against $abi"
	}
	cat "$work/log"
	cp "$work/src/kmod/ktlsx.ko" "$1"
	[ -z "${2:-}" ] || cp "$work/src/selftests/consumer/ktlsx_consumer.ko" "$2"
	flock -u "$lock"
}

# own_tree DIR LIST: what changes from run to run: init, programs, module.
own_tree() {
	local tree=$1 list=$2 built=$top/selftests/build program

	mkdir -p "$tree"/{etc,modules,root,tests,tmp,var/log,var/tmp}
	"${CC:-gcc}" -std=c11 -O2 -static -Wall -Wextra -Werror -o "$tree/init" "$here"/*.c
	# busybox's own: the package kmod may take /sbin/modprobe, and wants indices that busybox's depmod does not write
	ln -s /bin/busybox "$tree/modules/modprobe"
	[ -z "$list" ] || cp "$list" "$tree/run.list"
	while read -r program; do
		[ -n "$list" ] && ! grep -q " /tests/$program\( \|$\)" "$list" && continue
		install -D "$built/$program" "$tree/tests/$program"
	done < <(find "$built" -maxdepth 2 -type f -perm -u+x -printf '%P\n' 2> /dev/null)
	printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false www-data:x:33:33:www:/:/bin/false > "$tree/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: www-data:x:33: > "$tree/etc/group"
	echo '127.0.0.1 localhost' > "$tree/etc/hosts"
}

pack() { (cd "$1" && find . -mindepth 1 ! -name SHA256SUMS | cpio --quiet -o -H newc -R 0:0); }

# write_kernel FOLDER: what boots, and its name; adds its modules to the layers.
write_kernel() {
	local kernel

	if [ -n "$own" ]; then
		kernel=$own
		cp "$own"/linux* "$own"/vmlinuz* "$1/" 2> /dev/null || true
	else
		kernel=$(kernel_dir "${layers[0]}")
		cp "$kernel/vmlinuz" "$1/vmlinuz"
	fi
	layers+=("$kernel/root")
	echo "$abi" > "$1/abi"
}

make_image() {
	local list='' module=yes tree
	local -a packages=() modules roots=() layers=()

	while [ $# -gt 2 ]; do
		case $1 in
		--list) list=$2; shift ;;
		--packages) read -ra packages <<< "$2"; shift ;;
		--modules) read -ra modules <<< "$2"; guest_modules+=("${modules[@]}"); shift ;;
		--root) roots+=("$2"); shift ;;
		--own) own=$2; shift ;;
		--no-module) module=no ;;
		*) usage ;;
		esac
		shift
	done
	mkdir -p "$2"
	choose_kernel "$1"
	if [ -n "$own" ]; then abi=$(basename "$own"); else choose_abi; fi
	layers=("$(packages_dir "${guest_tools[@]}")")
	write_kernel "$2"
	[ ${#packages[@]} = 0 ] || layers+=("$(packages_dir "${packages[@]}")")
	flock -u "$cache_lock"
	tree=$(mktemp -d "$scratch/XXXXXX")
	own_tree "$tree" "$list"
	[ $module = no ] || build_module "$tree/modules/ktlsx.ko" "$tree/modules/ktlsx_consumer.ko" > /dev/null
	for layer in "${layers[@]}" "${roots[@]}" "$tree"; do
		pack "$layer"
	done > "$2/initrd"
}

[ $# -ge 2 ] || [ "${1:-}" = tools ] || usage
own=''
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
exec {cache_lock}> "$cache/lock"
flock "$cache_lock"
case $1 in
headers) choose_kernel "$2"; choose_abi; headers_dir "$abi" ;;
module) rm -f "$3"; choose_kernel "$2"; choose_abi; flock -u "$cache_lock"; build_module "$3" ;;
compiler) choose_kernel "$2"; packages_dir "${compiler_tools[@]}" ;;
packages) choose_kernel "$2"; packages_dir "${@:3}" ;;
tools) choose_kernel "$default_kernel"; packages_dir "${guest_tools[@]}" ;;
*) make_image "$@" ;;
esac
