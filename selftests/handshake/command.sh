#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the tests of the command ktlsx from outside: exit status, sentences, files, against openssl, curl and itself.
# Must not know: how the command works, nor where this runs: where the module is, records are the kernel's, elsewhere OpenSSL's
# (--fallback); what needs the module is tested in the guest only, what needs its absence here only.
# Concurrency: one test after another, in a network namespace of its own.
# command.sh [COMMAND [PATTERN]]: KTAP, then "N passed, N failed, N skipped"; exit 1 when one failed.
# shellcheck disable=SC2034 # what is set here is for the files of tests
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -z "${KTLSX_COMMAND_NETNS:-}" ]; then
	export KTLSX_COMMAND_NETNS=1
	own=(unshare --net)
	[ "$(id -u)" = 0 ] || own=(unshare --user --map-root-user --net)
	exec "${own[@]}" sh -c 'ip link set lo up && exec "$@"' - "$BASH" "${BASH_SOURCE[0]}" "$@"
fi
# A guest's devtmpfs lacks what bash needs for <(...).
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
ktlsx=$(realpath "${1:-$here/ktlsx}")
pattern=${2:-${KTLSX_COMMAND_TESTS:-}}
port=4433
has_module=no fallback=(--fallback)
[ ! -d /sys/module/ktlsx ] || has_module=yes fallback=()
pids=()
status='' complaint=''

# shellcheck source=selftests/handshake/command_peers.sh
. "$here/command_peers.sh"
# The command line is read in the same way everywhere: once is enough, and a guest is slow.
# shellcheck source=selftests/handshake/command_usage.sh
[ $has_module = yes ] || . "$here/command_usage.sh"
# shellcheck source=selftests/handshake/command_connect.sh
. "$here/command_connect.sh"
# shellcheck source=selftests/handshake/command_accept.sh
. "$here/command_accept.sh"
# shellcheck source=selftests/handshake/command_machine.sh
. "$here/command_machine.sh"

diag() { sed 's/^/# /'; }

# A test goes on after a complaint, and fails.
complain() {
	echo "$*" | diag
	complaint=yes
}

# run COMMAND...: status, out and err of it.
run() {
	status=0
	timeout 60 "$@" > out 2> err < "${input:-/dev/null}" || status=$?
}

# says FILE WORDS...
says() {
	local file=$1 words
	shift

	for words; do
		grep -qF -- "$words" "$file" || { complain "$file does not say '$words':"; tail -n 5 "$file" | diag; }
	done
}

# expect STATUS [WORDS...]: of the last run; WORDS are said on standard error.
expect() {
	[ "$status" = "$1" ] || { complain "status $status, not $1:"; tail -n 5 err | diag; }
	shift
	says err "$@"
}

is_same() {
	cmp -s "$1" "$2" || complain "$2 is not $1"
}

# Objects on lines, by a parser where one is.
is_json() {
	[ -s "$1" ] || complain "no JSON in $1"
	if command -v perl > /dev/null; then
		perl -MJSON::PP -ne 'decode_json($_)' "$1" 2> parser || { complain "$1 is not JSON:"; diag < parser; }
	else
		! grep -qv '^{.*}$' "$1" || complain "$1 is not lines of objects"
	fi
}

stop_servers() {
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
	pids=()
}

# one NAME: in a folder of its own, with copies of the certificates.
one() {
	local test=$1 folder=$work/$1

	mkdir "$folder"
	cd "$folder"
	cp "$work"/pki/* .
	complaint=''
	"$test"
	stop_servers
	cd "$work"
	[ -z "$complaint" ]
}

work=$(mktemp -d)
trap 'stop_servers; rm -rf "$work"' EXIT
mkdir "$work/pki"
(cd "$work/pki" && make_pki)
mapfile -t tests < <(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p' | grep -- "$pattern" |
	if [ $has_module = yes ]; then grep -v '^test_without_module_'; else grep -v '^test_with_module_'; fi)
[ ${#tests[@]} -gt 0 ] || { echo "no test matches '$pattern'" >&2; exit 2; }
echo 'KTAP version 1'
echo "1..${#tests[@]}"
number=0 failed=0
for test in "${tests[@]}"; do
	number=$((number + 1)) began=$SECONDS
	if one "$test"; then
		echo "ok $number ${test#test_} # $((SECONDS - began)) s"
	else
		echo "not ok $number ${test#test_}"
		failed=$((failed + 1))
	fi
done
echo "$((number - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
