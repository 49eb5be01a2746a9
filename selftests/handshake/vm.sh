#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the run of the library's tests in a guest, where the module is: which peers the guest has.
# Must not know: what they test, how a guest is made.
# Concurrency: as selftests/vm/run.sh; the programs are built before.
# vm.sh [KERNEL ['PROGRAM[:TEST]']]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# coreutils: stdbuf, so that what a peer prints comes line by line.
exec "$here/../vm/run.sh" --in handshake --packages "openssl gnutls-bin curl nginx-light coreutils" --mem 1500M --timeout 1500 \
	"${1:-6.1}" "${2:-}"
