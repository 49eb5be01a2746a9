#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the tests of the command in a guest, where the module is: command_vm.sh COMMAND [PATTERN]
# Must not know: what they test.
# Concurrency: any number at once.
# Environment: KERNEL=6.1.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages='bash coreutils grep sed diffutils util-linux openssl curl libjson-c5'

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/command"
cp "$here"/command*.sh "$root/command/"
cp "$1" "$root/command/ktlsx"
chmod -R a+rX "$root"
KTLSX_COMMAND_TESTS=${2:-} "$here/../vm/run.sh" --root "$root" --packages "$packages" --run /command/command.sh --timeout 900 "${KERNEL:-6.1}"
