#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the sources of the module of engine tests: the record crypto and its known answers as they are, the tests beside them.
# Must not know: the kernel it is built for.
# Concurrency: the folder belongs to the caller.
# assemble.sh DIR: fills the new folder DIR, ready for `make -C HEADERS M=DIR modules`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kmod=$here/../../kmod
if [ $# != 1 ] || [ -e "$1" ]; then
	echo "usage: assemble.sh NEW_FOLDER" >&2
	exit 2
fi

(cd "$kmod" && find crypto compat selftest.[ch] -type f \( -name '*.[chS]' -o -name '*.mk' -o -name '*.include' \) ! -name '*.mod.c') |
	while read -r file; do
		install -D -m 644 "$kmod/$file" "$1/$file"
	done
install -m 644 "$here"/{Kbuild,*.[ch]} "$1/"
