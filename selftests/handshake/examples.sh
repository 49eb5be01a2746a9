#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Owns: the check of the manual of libktlsx. Every example (a literal display in a section EXAMPLES) is compiled with
# gcc and clang, warnings being errors, against the public header alone; every public function must have a page that
# names, declares and describes it; mandoc must find nothing to say. KTAP on stdout; exit 1 when something failed.
# Must not know: how the library works; nothing is linked or run.
# Concurrency: none; writes into a directory of its own only.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
man=$top/userspace/man
header=$top/userspace/include/ktlsx.h
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ktlsx-examples.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

count=0
failed=0

# report NAME STATUS [FILE]: one line, and what FILE says about a failure.
report() {
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count $1"
	[ ! -s "${3:-/dev/null}" ] || sed 's/^/# /' "$3"
}

# The displays of the section EXAMPLES of page $1, to $2.1.c, $2.2.c, ...; prints how many.
extract() {
	awk -v out="$2" '
		/^\.Sh / { in_examples = $2 == "EXAMPLES" }
		in_examples && /^\.Ed/ { if (file) close(file); file = ""; next }
		file { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print > file }
		in_examples && /^\.Bd -literal/ { file = out "." ++n ".c" }
		END { print n + 0 }' "$1"
}

# A fragment is the body of a function that has a config, a connection and a socket; everything else stands for itself.
complete() {
	if grep -q '^#include <ktlsx.h>$' "$1"; then
		cat "$1"
		return
	fi
	cat <<-'END'
		#include <errno.h>
		#include <ktlsx.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		int fragment(struct ktlsx_config *config, struct ktlsx_conn *conn, int fd);
		int fragment(struct ktlsx_config *config, struct ktlsx_conn *conn, int fd)
		{
		(void)config, (void)conn, (void)fd;
	END
	cat "$1"
	echo '}'
}

check_examples() {
	local page name i number compiler status
	for page in "$@"; do
		name=$(basename "$page")
		number=$(extract "$page" "$scratch/$name")
		status=0
		[ "$number" -gt 0 ] || status=1
		report "$name has an example" "$status"
		for ((i = 1; i <= number; i++)); do
			complete "$scratch/$name.$i.c" >"$scratch/example.c"
			for compiler in gcc clang; do
				status=0
				"$compiler" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror \
					-I"$(dirname "$header")" -c -o "$scratch/example.o" \
					"$scratch/example.c" 2>"$scratch/log" || status=$?
				report "$name, example $i, compiles with $compiler" "$status" "$scratch/log"
			done
		done
	done
}

# The page of function $1, or of what its link page links to.
page_of() {
	local target
	[ -f "$man/$1.3" ] || return 0
	target=$(sed -n '1s|^\.so man3/||p' "$man/$1.3")
	echo "$man/${target:-$1.3}"
}

# Named in NAME, declared in SYNOPSIS, told of in DESCRIPTION.
is_documented() {
	local page
	page=$(page_of "$1")
	[ -n "$page" ] && [ -f "$page" ] && awk -v name="$1" '
		/^\.Sh / { section = $2 }
		section == "NAME" && $1 == ".Nm" && $2 == name { named = 1 }
		section == "SYNOPSIS" && ($1 == ".Fn" || $1 == ".Fo") && $2 == name { declared = 1 }
		section == "DESCRIPTION" && $1 == ".Fn" && $2 == name { told = 1 }
		END { exit !(named && declared && told) }' "$page"
}

# As the header declares them: names before "(" at the start of a declaration.
public_functions() {
	sed -n 's/^[a-z][a-z_ ]*[ *]\(ktlsx_[a-z0-9_]*\)(.*/\1/p' "$header" | sort -u
}

check_functions() {
	local function functions status=0
	mapfile -t functions < <(public_functions)
	[ "${#functions[@]}" -eq 40 ] || status=1
	report "the header declares 40 functions (${#functions[@]} found)" "$status"
	for function in "${functions[@]}"; do
		status=0
		is_documented "$function" || status=1
		report "$function is documented" "$status"
	done
}

# The other way round: no page for what is not there.
check_links() {
	local link status
	for link in "$@"; do
		status=0
		[ -f "$man/$(sed -n '1s|^\.so man3/||p' "$link")" ] &&
			public_functions | grep -qx "$(basename "$link" .3)" || status=1
		report "$(basename "$link") links a public function to its page" "$status"
	done
}

check_lint() {
	local page status
	for page in "$@"; do
		status=0
		mandoc -T lint -W warning "$page" >"$scratch/log" 2>&1 || status=$?
		report "$(basename "$page") has no fault that mandoc knows" "$status" "$scratch/log"
	done
}

for tool in gcc clang mandoc; do
	command -v "$tool" >/dev/null || {
		echo "Bail out! $tool is missing: install the package $tool"
		exit 1
	}
done
mapfile -t pages < <(grep -L '^\.so ' "$man"/*.3)
mapfile -t links < <(grep -l '^\.so ' "$man"/*.3)
echo "KTAP version 1"
check_examples "${pages[@]}"
check_functions
check_links "${links[@]}"
check_lint "${pages[@]}"
echo "1..$count"
echo "# $((count - failed)) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
