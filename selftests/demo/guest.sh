#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the demonstration's first process in the guest: is it our module, and ours alone; then an unprivileged user takes over.
# Must not know: what is demonstrated.
# Concurrency: none.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if grep -q '^tls ' /proc/modules; then
	echo 'demo: FAILED: the in-tree tls module is loaded'
	exit 1
fi
grep '^ktlsx ' /proc/modules
exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
	/bin/bash "$here/demo.sh"
