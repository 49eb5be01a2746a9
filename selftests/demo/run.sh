#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: `make demo`: the demonstration in a virtual machine with Debian's stock kernel, or with HOST=1 on this one.
# Must not know: what is demonstrated.
# Concurrency: any number in virtual machines; one on the machine itself.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages='bash coreutils grep sed util-linux curl openssl nginx-light gnutls-bin'

if [ "${HOST:-0}" = 1 ]; then
	exec "$here/host.sh"
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/demo"
cp "$here"/*.{sh,conf,cnf} "$root/demo/"
"$here/../vm/run.sh" --root "$root" --packages "$packages" --run "/demo/${DEMO_SCRIPT:-guest}.sh" --timeout 300 "${KERNEL:-6.1}"
echo 'demo: OK'
