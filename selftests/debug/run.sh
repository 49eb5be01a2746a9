#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the tests of what happens at the same moment, on two CPUs, in a kernel that is preempted anywhere and watches memory, locks
# and contexts.
# Must not know: how that kernel is made, how it is booted and judged, what the tests test.
# Concurrency: as selftests/vm/run.sh.
# run.sh [PATTERN]: the programs below, or those that match; ends with "N passed, N failed, N skipped".
set -euo pipefail

# Programs with threads or timers, or that need the machine's modules to come and go.
races='@(backpressure|close|duplex|holders|memory_share|own_tls|poll|races|rekey|rekey_tx|takeover|threads|unload)'

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
uml=$here/../uml

kernel=$("$uml/kernel.sh" x86_64 "$uml/config" "$uml/config.debug" "$here/config")
# An emulated CPU, and KASAN on it.
export KTLSX_SLOW=${KTLSX_SLOW:-40} PROGRAM_SECONDS=2400
if [ -n "${KTLSX_NOMODULE:-}" ]; then
	export KTLSX_MODPROBE=${KTLSX_MODPROBE-tls}
fi
"$here/../vm/run.sh" --own "$kernel" --mem 2G --timeout 7200 6.1 "${1:-$races}"
