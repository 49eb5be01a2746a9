#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the test of `make demo HOST=1`, in a guest: KTLSX_NOLOAD=1 DEMO_SCRIPT=host_test.sh selftests/demo/run.sh
# Must not know: what is demonstrated.
# Concurrency: none.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Everything a run could leave behind. Processes first, while this shell has no children; kernel threads have no command line.
state() {
	local process command

	for process in /proc/[0-9]*; do
		read -r -d '' command < "$process/cmdline" || true
		[ -z "$command" ] || echo "$process $command"
	done
	cut -d' ' -f1 /proc/modules | sort
	cat /proc/sys/net/ipv4/tcp_available_ulp
	find /tmp /var/tmp /run /sys/class/net | sort
}

chmod 700 "$here"
state > /before
KTLSX_MODULE=/modules/ktlsx.ko "$here/host.sh"
state > /after
cmp /before /after || { echo 'demo: FAILED: the machine is not as it was'; diff /before /after; exit 1; }
chmod 755 "$here"
insmod /modules/ktlsx.ko
echo 'demo: a user without privileges'
setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all bash "$here/host.sh"
