#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: `make demo`: the demonstration in a virtual machine with Debian's stock kernel, or with HOST=1 on this one.
# Must not know: what is demonstrated.
# Concurrency: any number in virtual machines; one on the machine itself.
# Environment: HOST=1; KERNEL=6.1; DEMO_SCRIPT: another script of this folder to run in the guest.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# All of it Debian's; libgnutls30 for the libraries that ours needs, too.
packages='bash coreutils grep sed util-linux kmod curl openssl nginx-light libgnutls30'

gnutls=$("$here/gnutls.sh")
if [ "${HOST:-0}" = 1 ]; then
	KTLSX_DEMO_GNUTLS=$gnutls "$here/host.sh"
else
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root/demo/gnutls"
	cp "$here"/*.{sh,conf,cnf} "$root/demo/"
	cp "$gnutls"/[gl]* "$root/demo/gnutls/"
	chmod -R a+rX "$root"
	"$here/../vm/run.sh" --root "$root" --packages "$packages" --run "/demo/${DEMO_SCRIPT:-host.sh}" --timeout 900 "${KERNEL:-6.1}"
fi
echo 'demo: OK'
