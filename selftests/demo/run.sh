#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: `make demo`: the demonstration in a virtual machine with Debian's stock kernel, or with HOST=1 on this one.
# Must not know: what is demonstrated.
# Concurrency: any number in virtual machines; one on the machine itself.
# Environment: HOST=1; KERNEL=6.1; KTLSX_ROWS=text: only rows with that in them; DEMO_SCRIPT: another script of this folder to run in the guest.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# All of it Debian's, of the release that the kernel belongs to; gnutls-bin for the libraries that our GnuTLS needs, too, libjson-c5
# for the command.
packages='bash coreutils grep sed util-linux kmod curl openssl nginx-light gnutls-bin libjson-c5'

gnutls=$("$here/gnutls.sh" "${KERNEL:-6.1}")
make --no-print-directory -s -C "$here/../../userspace"
command=$(realpath "$here/../../userspace/build/ktlsx")
if [ "${HOST:-0}" = 1 ]; then
	KTLSX_DEMO_GNUTLS=$gnutls KTLSX_DEMO_COMMAND=$command "$here/host.sh"
else
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root/demo/gnutls"
	cp "$here"/*.{sh,conf,cnf} "$root/demo/"
	cp "$gnutls"/[gl]* "$root/demo/gnutls/"
	cp "$command" "$root/demo/ktlsx"
	chmod -R a+rX "$root"
	"$here/../vm/run.sh" --root "$root" --packages "$packages" --run "/demo/${DEMO_SCRIPT:-host.sh}" --timeout 900 "${KERNEL:-6.1}"
fi
echo 'demo: OK'
