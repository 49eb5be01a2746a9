#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: entering a root of packages (image.sh makes them): what is mounted there, what a command sees, how a module is built there.
# Must not know: which packages the root is made of, nor what is built.
# Concurrency: any number at once: the root is shared and only read, mounts live in a namespace that ends with the command.
# Only root can enter; nothing of this machine changes but the folder that the command works in.
set -euo pipefail

usage() {
	cat <<-'END'
	root.sh run ROOT FOLDER COMMAND...     run a command in ROOT, where FOLDER is /tmp/build
	root.sh module ROOT FOLDER [ARG...]    make the modules of FOLDER against the headers in ROOT; ARGs go to make
	END
	exit 2
}

say() { printf '# root: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# run ROOT FOLDER COMMAND...
run() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec unshare --mount --propagation private bash -euc '
		root=$1 build=$2
		shift 2
		mount -t tmpfs tmpfs "$root/tmp"
		mkdir "$root/tmp/build"
		mount --bind "$build" "$root/tmp/build"
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C "$@"
	' run "$@"
}

# module ROOT FOLDER [ARG...]: no BTF, which needs pahole and the kernel itself; no dpkg there, which Debian's makefiles would ask.
module() {
	local root=$1 folder=$2
	local -a headers=("$root"/usr/src/linux-headers-*-amd64)
	shift 2

	[ ${#headers[@]} = 1 ] || die "several kernel headers in $root"
	[ -d "${headers[0]}" ] || die "no kernel headers in $root"
	run "$root" "$folder" nice make -C "${headers[0]#"$root"}" M=/tmp/build -j"$(nproc)" DEB_BUILD_ARCH=amd64 DEB_HOST_ARCH=amd64 \
		CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
}

[ $# -ge 3 ] || usage
[ "$(id -u)" = 0 ] || die "only root can enter a root of packages"
case $1 in
run | module) "$@" ;;
*) usage ;;
esac
