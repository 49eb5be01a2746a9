#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the tests of the library and of the command in a guest, where the module is: which peers the guest has.
# Must not know: what they test, how a guest is made.
# Concurrency: as selftests/vm/run.sh; the programs are built before.
# vm.sh [KERNEL ['PROGRAM[:TEST]']]: with a pattern only the library's tests. Ends with "N passed, N failed, N skipped".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
kernel=${1:-6.1} pattern=${2:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# coreutils: stdbuf, so that what a peer prints comes line by line.
library() {
	"$here/../vm/run.sh" --in handshake --packages "openssl gnutls-bin curl nginx-light coreutils" --mem 1500M --timeout 1500 \
		"$kernel" "$pattern"
}

command_too() {
	make --no-print-directory -s -C "$top/userspace" >&2
	KERNEL=$kernel "$here/command_vm.sh" "$top/userspace/build/ktlsx"
}

status=0
library 2>&1 | tee "$scratch/library" || status=1
[ -n "$pattern" ] && exit "$status"
command_too 2>&1 | tee "$scratch/command" || status=1
# A part without a sum died: one failure.
for part in library command; do
	grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$scratch/$part" | tail -n 1 | grep . || echo "0 passed, 1 failed, 0 skipped"
done | awk '{ passed += $1; failed += $3; skipped += $5 }
	END { print passed " passed, " failed " failed, " skipped " skipped"; exit failed > 0 || !passed }' || status=1
exit "$status"
