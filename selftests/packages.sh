#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: which Debian packages each purpose needs on this machine: the one place that names them.
# Must not know: how the purposes use them.
# Concurrency: apt's own lock.
# packages.sh PURPOSE...: installs what is missing when run by root; else names it and fails.
set -euo pipefail

declare -A packages=(
	[module]="build-essential"
	[check]="build-essential libssl-dev libgcrypt20-dev valgrind"
	[vm]="build-essential libssl-dev libgcrypt20-dev libjson-c-dev qemu-system-x86 cpio xz-utils zstd"
	[vm-storage]="openssl"
	[uml]="bc bison build-essential cpio flex libgcrypt20-dev libssl-dev xz-utils"
	[vm-debug]="bc bison build-essential cpio flex libelf-dev libgcrypt20-dev libssl-dev qemu-system-x86 xz-utils"
	[userspace]="build-essential libssl-dev libjson-c-dev"
	[handshake]="build-essential clang libclang-rt-dev libssl-dev libjson-c-dev openssl gnutls-bin curl nginx-light tshark valgrind
		mandoc iproute2"
	[style]="build-essential libssl-dev libgcrypt20-dev libjson-c-dev clang libclang-rt-dev sparse shellcheck perl linux-source-6.1"
	[demo]="build-essential libssl-dev libgcrypt20-dev libjson-c-dev qemu-system-x86 cpio xz-utils zstd openssl pkg-config nettle-dev libgmp-dev"
)

missing=()
for purpose; do
	for package in ${packages[$purpose]}; do
		[ "$(dpkg-query -W -f "\${db:Status-Status}" "$package" 2> /dev/null)" = installed ] || missing+=("$package")
	done
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "packages are missing: as root, apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "# installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install=(apt-get -qq -y --no-install-recommends install "${missing[@]}")
"${install[@]}" > /dev/null 2>&1 || { apt-get -qq update && "${install[@]}" > /dev/null; }
