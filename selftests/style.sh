#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Owns: the rules for how this repository reads. `make style`, or selftests/style.sh [CHECK...] for some of them.
# One line per check, then "N passed, N failed, N skipped"; exit 1 when one failed. A check whose tool is missing
# is skipped and names the package. Nothing is installed here and nothing is written into the tree.
#
# KDIR=    kernel headers for sparse and W=1 (default: the newest installed linux-headers of KERNEL, by default 6.1)
# DETAILS= how many lines of a failing check to show (default 40)
set -euo pipefail
shopt -s inherit_errexit

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
export LC_ALL=C
kernel=${KERNEL:-6.1}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx/style
rules=selftests/style
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ktlsx-style.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

all_checks=(spdx opening names words preprocessor includes function-size file-size shellcheck
	lessons checkpatch kernel-doc documented module-w1 sparse calls symbols user-gcc user-clang)

# Tests that run inside a kernel: their C is the kernel's. `make uml` and `make crypto-kernels` compile them.
kernel_tests="selftests/(engines|consumer)"

# Ignored everywhere: a rule about patches, and two that the checks "preprocessor" and "spdx" make stricter.
ignore=FILE_PATH_CHANGES,LINUX_VERSION_CODE,SPDX_LICENSE_TAG
# Files that cannot follow one of the rules, with the reason.
declare -A ignore_in=(
	# The bridge defines the very names (__aligned, __always_inline, ...) that these rules tell other files to use.
	[kmod/crypto/port_user.h]="COMPLEX_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,INIT_ATTRIBUTE"
	# Its macro is a group of static_assert() at file scope, where no do-while can stand.
	[kmod/suite.c]="MULTISTATEMENT_MACRO_USE_DO_WHILE,CONSTANT_COMPARISON"
	# A proto_ops of ours is a copy of the base's, filled in at run time: it cannot be const where that happens.
	[kmod/tx.h]="CONST_STRUCT"
	[kmod/rx.h]="CONST_STRUCT"
	[kmod/ulp.c]="CONST_STRUCT"
	[kmod/tx_sendpage.c]="CONST_STRUCT"
	[kmod/tx_splice.c]="CONST_STRUCT"
	# Shared with userspace, which has no BIT().
	[selftests/consumer/consumer.h]="BIT_MACRO"
	# The range guard: both sides are macros in capitals.
	[kmod/compat/compat.h]="CONSTANT_COMPARISON"
	# Rows of tables, and assertions about them: constants, which do nothing twice, at file scope.
	[kmod/suite.c]="MACRO_ARG_REUSE,MULTISTATEMENT_MACRO_USE_DO_WHILE,CONSTANT_COMPARISON"
	# Macros that define functions, and one that takes types: no do-while, no parentheses.
	[kmod/compat/pick.h]="MACRO_ARG_REUSE,MACRO_WITH_FLOW_CONTROL,SPACING"
)
# User programs: names of OpenSSL and libc, C11 types, attributes spelt out, ENOSYS as they see it, and no kernel helpers to prefer.
ignore_user=$ignore,CAMELCASE,PREFER_KERNEL_TYPES,AVOID_EXTERNS,VOLATILE,USE_SPINLOCK_T,SSCANF_TO_KSTRTO,PREFER_PR_LEVEL
# Macros that declare tests and variants stand at file scope: no do-while, no parentheses, arguments used twice.
ignore_user+=,MULTISTATEMENT_MACRO_USE_DO_WHILE,COMPLEX_MACRO,MACRO_ARG_REUSE
ignore_user+=,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME,ARRAY_SIZE,MACRO_WITH_FLOW_CONTROL,CONSTANT_COMPARISON,STRCPY,STRLCPY,STRNCPY,JIFFIES_COMPARISON,ENOSYS

# To stderr, so that it is said from inside $(...) too.
skip() {
	echo "$*" >&2
	exit 4
}

need() {
	command -v "$1" >/dev/null || skip "$1 is missing: install the package $2"
}

# Paths from the top, one a line: what git knows or would add, else (an unpacked tarball) what is there.
list_all() {
	{ git ls-files -co --exclude-standard 2>/dev/null ||
		find . -path ./.git -prune -o -path '*/build' -prune -o -type f ! -name '*.o' ! -name '*.ko' \
			! -name '*.mod*' ! -name '.*.cmd' -print -o -name 'mod*.conf' -print | sed 's|^\./||'; } |
		while read -r path; do [ ! -f "$path" ] || echo "$path"; done | sort -u >"$scratch/all"
}

files() {
	grep -E "$1" "$scratch/all" | grep -vE "${2:-^$}" || true
}

# Fail loudly when there is nothing to look at: a check of no files proves nothing.
files_into() {
	local -n into=$1
	mapfile -t into < <(files "${@:2}")
	[ "${#into[@]}" -gt 0 ] || {
		echo "no file matches $2"
		exit 1
	}
}

scripts() {
	while read -r path; do
		case $path in
		*.sh) echo "$path" ;;
		*) ! head -c 64 "$path" | head -n 1 | tr -d '\0' | grep -qE '^#!.*\b(ba)?sh\b' || echo "$path" ;;
		esac
	done < <(files . '\.(c|h|S|md|txt|conf)$')
}

# checkpatch.pl and kernel-doc out of the distribution's kernel source, kept by the checksum of that package.
kernel_scripts() {
	local tarball sum dir name
	for tarball in "/usr/src/linux-source-$kernel.tar.xz" /usr/src/linux-source-*.tar.xz; do
		[ ! -f "$tarball" ] || break
	done
	[ -f "$tarball" ] || skip "no kernel source: install the package linux-source-$kernel"
	sum=$(sha256sum "$tarball" | cut -c 1-16)
	dir=$cache/$sum
	if ! (cd "$dir" 2>/dev/null && sha256sum --check --status --strict SUMS 2>/dev/null); then
		name=$(basename "$tarball" .tar.xz)/scripts
		rm -rf "$dir"
		mkdir -p "$dir"
		tar -xf "$tarball" -C "$dir" --strip-components=2 "$name/checkpatch.pl" "$name/kernel-doc" \
			"$name/spelling.txt" "$name/const_structs.checkpatch"
		(cd "$dir" && sha256sum checkpatch.pl kernel-doc spelling.txt const_structs.checkpatch >SUMS)
	fi
	echo "$dir"
}

headers() {
	local found=${KDIR:-}
	[ -n "$found" ] || found=$(find /usr/src -maxdepth 1 -name "linux-headers-$kernel.*-amd64" \
		! -name '*cloud*' ! -name '*rt*' | sort -V | tail -n 1)
	[ -d "$found" ] || skip "no kernel headers: install a linux-headers package of $kernel, or set KDIR"
	echo "$found"
}

# The module is built in a copy, once for every check that wants its objects.
build_module() {
	local kdir=$1
	shift
	need make make
	mkdir -p "$scratch/module"
	cp -r Kbuild kmod uapi "$scratch/module/"
	find "$scratch/module" \( -name '*.o' -o -name '*.ko' -o -name '*.cmd' -o -name '*.mod*' \) -type f \
		! -name 'modules-load.d*' ! -name 'modprobe.d*' -delete
	make -C "$kdir" M="$scratch/module" -j"$(nproc)" "$@" modules
}

# Show only what the compiler or sparse say, with paths from the top; fail when they said anything.
verdict_of_build() {
	local log=$1 status=$2
	sed "s|$scratch/module/||g" "$log" | grep -E '(warning|error|fatal error):|^ERROR|WARNING:|\*\*\*' |
		grep -vE '^make.*\*\*\* (\[.*Error|Waiting)' && return 1
	if [ "$status" -ne 0 ]; then
		tail -n 20 "$log"
		return 1
	fi
}

check_spdx() {
	local want path list
	files_into list '(\.(c|h|S|sh|awk|pl|mk|conf)|(^|/)(Makefile|Kbuild)|^\.ci/run)$' '^LICENSES/'
	local bad=0
	for path in "${list[@]}"; do
		case $path in
		kmod/crypto/* | kmod/record.* | kmod/suite.*) want='GPL-2.0-only OR MIT' ;;
		kmod/*) want=GPL-2.0-only ;;
		uapi/*) want='GPL-2.0-only WITH Linux-syscall-note' ;;
		selftests/* | userspace/*) want=MIT ;;
		*) want='(GPL-2[.]0-only|MIT|GPL-2[.]0-only OR MIT)' ;;
		esac
		sed -n 1,2p "$path" | grep -qE "SPDX-License-Identifier: $want( \*/)?\$" || {
			echo "$path:1: no 'SPDX-License-Identifier: $want' in its first two lines"
			bad=1
		}
	done
	! grep -nE 'Permission is hereby [g]ranted|This program is free [s]oftware' "${list[@]}" || bad=1
	echo "${#list[@]} files"
	return "$bad"
}

# Each C file says what it owns, in at most 12 lines after the SPDX line.
check_opening() {
	local list
	files_into list '^(kmod|selftests|userspace)/.*\.(c|h|S)$'
	awk 'FNR == 1 { if (NR > 1 && !done) print name ": no opening comment"; done = 0; name = FILENAME; text = 0 }
		done { next }
		FNR > 1 && !text && /^[ \t]*$/ { next }
		FNR > 1 && !text && !/^(\/\*|\/\/|;|#[ \t])/ { print FILENAME ":" FNR ": no opening comment"; bad = 1; done = 1; next }
		FNR > 1 { text++ }
		text && /\*\// { if (text > 12) { print FILENAME ":" FNR ": opening comment of " text " lines, 12 at most"; bad = 1 } done = 1 }
		END { print ARGC - 1 " files"; exit bad }' "${list[@]}"
}

check_names() {
	local bad=0
	! grep -E '(^|[/_-])(utils?|common|misc|helpers?)([./]|$)' "$scratch/all" || bad=1
	wc -l <"$scratch/all" | sed 's/$/ files/'
	return "$bad"
}

# No package mirror (this machine's own, read from apt, or any well-known shape) and no path of a developer's machine.
check_words() {
	local bad=0 list uri
	files_into list . '^LICENSES/'
	! grep -nIE 'https?://[^ ]*/(debian|ubuntu|debian-security)(/|$| )|(deb|security|snapshot|archive|ftp)[.](debian|ubuntu)[.](org|com)' \
		"${list[@]}" || bad=1
	if command -v apt-get >/dev/null; then
		# shellcheck disable=SC2016 # apt expands $(REPO_URI), not the shell
		while read -r uri; do
			! grep -nIF "$uri" "${list[@]}" || bad=1
		done < <(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed -E 's|^[a-z+]+://||; s|/.*||' | sort -u | grep . || true)
	fi
	! grep -nIE '(^|[^A-Za-z0-9_.$}])/(work|farm)/|/home/[a-z]|/var/tmp/[a-z]' "${list[@]}" || bad=1
	echo "${#list[@]} files"
	return "$bad"
}

# Kernel versions live in one range guard in compat/; the core has no conditional text but include guards
# and what a header must declare for sparse alone.
check_preprocessor() {
	local bad=0 list guards
	files_into list '^(kmod|uapi)/.*\.(c|h|S)$'
	! grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION' "${list[@]}" | grep -v '^kmod/compat/' || bad=1
	guards=$(cat "${list[@]}" | grep -cE '^[ 	]*#.*LINUX_VERSION_CODE' || true)
	[ "$guards" -le 1 ] || {
		echo "kmod/compat: $guards lines with LINUX_VERSION_CODE, one range guard at most"
		bad=1
	}
	mapfile -t list < <(files '^kmod/.*\.(c|h|S)$' '^kmod/(compat/|crypto/port\.h$)')
	awk '/^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)/ {
			if (FILENAME ~ /\.h$/ && (/#[ \t]*ifndef[ \t]+_*[A-Z0-9_]+_H_*[ \t]*$/ || /TRACE_HEADER_MULTI_READ/ || /ifdef __CHECKER__$/))
				next
			print FILENAME ":" FNR ": " $0
			bad = 1
		}
		END { print ARGC - 1 " core files"; exit bad }' "${list[@]}" || bad=1
	return "$bad"
}

check_includes() {
	local list
	files_into list '^(kmod|uapi|selftests|userspace)/.*\.(c|h|S)$'
	awk -f "$rules/includes.awk" "$scratch/all" "${list[@]}" >"$scratch/edges"
	awk -f "$rules/edges.awk" "$rules/floors" "$scratch/edges"
}

check_function-size() {
	local list part bad=0
	for part in kmod selftests userspace; do
		mapfile -t list < <(files "^$part/.*\.(c|h|sh)\$")
		[ "${#list[@]}" -gt 0 ] || continue
		awk -f "$rules/functions.awk" "${list[@]}" | sort -n >"$scratch/functions"
		awk -v part="$part" '$1 > 80 { print $2 ": a function of " $1 " lines, 80 at most"; bad = 1 }
			{ lines[NR] = $1 }
			END {
				printf "%s: %d functions, median %d lines, nine in ten at most %d, longest %d\n", part, NR,
					lines[int((NR + 1) / 2)], lines[int(NR * 0.9 + 0.5)], lines[NR]
				exit bad || !NR
			}' "$scratch/functions" || bad=1
	done
	return "$bad"
}

check_file-size() {
	local list
	files_into list '^(kmod|uapi|selftests|userspace)/.*\.(c|h)$'
	wc -l "${list[@]}" | awk '$2 == "total" { next }
		$2 ~ /\.c$/ && $1 > 800 { print $2 ": " $1 " lines, 800 at most"; bad = 1; next }
		$2 ~ /\.c$/ && $1 > 500 { print $2 ": " $1 " lines, more than 500: warning"; next }
		$2 ~ /\.h$/ && $1 > 150 { print $2 ": " $1 " lines, 150 at most"; bad = 1 }
		END { print NR " files"; exit bad }'
}

# Every row 1 to 26, with a reason or a test, and every test that is named is there.
check_lessons() {
	local row what tests test bad=0 count=0
	while IFS=$'\t' read -r row what tests; do
		count=$((count + 1))
		if [ "$row" != "$count" ] || [ -z "$tests" ]; then
			echo "selftests/lessons: row $count: $row $what"
			bad=1
		fi
		while read -r test; do
			grep -qsE "^TEST(_F)?(_TIMEOUT)?\\(([a-z0-9_]+, )?${test#*:}[,)]" "selftests/${test%%:*}.c" selftests/memory_fail.h ||
				{ echo "selftests/lessons: row $count: there is no $test"; bad=1; }
		done < <(grep -oE '[a-z_0-9]+:[a-z_0-9]+' <<<"$tests")
	done < <(grep -v '^#' selftests/lessons)
	echo "$count lessons"
	[ "$count" = 26 ] && return "$bad"
}

check_shellcheck() {
	local list path bad=0
	need shellcheck shellcheck
	mapfile -t list < <(scripts)
	[ "${#list[@]}" -gt 0 ]
	shellcheck --format=gcc "${list[@]}" || bad=1
	for path in "${list[@]}"; do
		! head -n 1 "$path" | grep -q '^#!' || grep -q '^set -euo pipefail$' "$path" || {
			echo "$path:1: no 'set -euo pipefail'"
			bad=1
		}
	done
	echo "${#list[@]} scripts"
	return "$bad"
}

# In a folder of links: checkpatch asks git about the folder it runs in, and writes a cache there.
checkpatch() {
	local dir=$1 ignored=$2
	shift 2
	mkdir -p "$scratch/tree/include"
	ln -sfn "$top"/{kmod,uapi,selftests,userspace} "$scratch/tree/"
	(cd "$scratch/tree" && nice perl "$dir/checkpatch.pl" --no-tree --root=. --strict --terse --show-types \
		--no-summary --quiet --max-line-length=100 --ignore="$ignored" -f "$@")
}

check_checkpatch() {
	local dir list plain path bad=0
	need perl perl
	dir=$(kernel_scripts)
	files_into list "^(kmod|uapi|$kernel_tests)/.*\.(c|h|S)\$"
	echo "${#list[@]} kernel files"
	plain=()
	for path in "${list[@]}"; do
		if [ -n "${ignore_in[$path]:-}" ]; then
			checkpatch "$dir" "$ignore,${ignore_in[$path]}" "$path" || bad=1
		else
			plain+=("$path")
		fi
	done
	checkpatch "$dir" "$ignore" "${plain[@]}" || bad=1
	mapfile -t list < <(files '^(selftests|userspace)/.*\.(c|h)$' "^$kernel_tests/")
	echo "${#list[@]} user files"
	[ "${#list[@]}" -eq 0 ] || checkpatch "$dir" "$ignore_user" "${list[@]}" || bad=1
	return "$bad"
}

check_kernel-doc() {
	local dir list
	need perl perl
	dir=$(kernel_scripts)
	files_into list '^(kmod|uapi)/.*\.(c|h)$'
	perl "$dir/kernel-doc" -v -none "${list[@]}" >"$scratch/kernel-doc" 2>&1 || true
	# -v objects to any text above the sections of a function without arguments: there are no sections it could follow.
	! grep -E '(warning|error):' "$scratch/kernel-doc" | grep -v 'contents before sections$' || return 1
	grep -c 'Scanning doc for' "$scratch/kernel-doc" | sed 's/$/ blocks/'
}

check_documented() {
	local list
	need perl perl
	files_into list '^kmod/.*\.(c|h|S)$' '^kmod/compat/'
	perl "$rules/documented.pl" "${list[@]}"
}

check_module-w1() {
	local kdir status=0
	kdir=$(headers)
	build_module "$kdir" W=1 KCFLAGS=-Werror >"$scratch/w1" 2>&1 || status=$?
	verdict_of_build "$scratch/w1" "$status"
	echo "built against $(basename "$kdir")"
}

check_sparse() {
	local kdir status=0
	need sparse sparse
	kdir=$(headers)
	build_module "$kdir" C=2 CF=-D__CHECK_ENDIAN__ >"$scratch/sparse" 2>&1 || status=$?
	grep -c '^  CHECK ' "$scratch/sparse" | sed 's/$/ files checked/'
	verdict_of_build "$scratch/sparse" "$status"
}

# Objects of the module, named as their sources are; the linked ktlsx.o is not one of them.
objects() {
	local kdir
	if [ ! -f "$scratch/module/kmod/ktlsx.o" ]; then
		kdir=$(headers)
		build_module "$kdir" W=1 >"$scratch/w1" 2>&1 || {
			echo "the module does not build: see module-w1" >&2
			exit 1
		}
	fi
	cd "$scratch/module"
	find kmod -name '*.o' ! -name 'ktlsx.o' ! -name '*.mod.o' ! -name '.*' | sort
}

check_calls() {
	local list
	need nm binutils
	list=$(objects)
	(cd "$scratch/module" && xargs nm -A <<<"$list") | awk -f "$rules/calls.awk" | sort >"$scratch/edges"
	awk -f "$rules/edges.awk" "$rules/floors" "$scratch/edges"
}

# What one object shows another is named ktlsx_; the linker's view, so that no declaration can hide one.
check_symbols() {
	local list
	need nm binutils
	list=$(objects)
	(cd "$scratch/module" && xargs nm -A --defined-only --extern-only <<<"$list") |
		awk '$NF !~ /^(__)?ktlsx_/ && $NF !~ /^(init_module|cleanup_module|__this_module)$/ &&
			$NF !~ /^(__tracepoint_|__traceiter_|__SCK__|__SCT__|__probestub_|__cfi_|__pfx_|__mod_)/ {
				print $1 " " $NF " has no prefix"; bad = 1 }
			END { print NR " symbols"; exit bad || !NR }'
}

# Every Makefile of user programs takes CC and BUILD; a C file that none of them compiles (the VM's init) is compiled alone.
user_build() {
	local compiler=$1 makefile path log=$scratch/$1.log flags list bad=0
	need "$compiler" "$compiler"
	need make make
	: >"$log"
	files_into list '^(selftests|userspace)/(.*/)?Makefile$'
	for makefile in "${list[@]}"; do
		path=$(dirname "$makefile")
		nice make -k -C "$path" -j"$(nproc)" CC="$compiler" FLAVOURS=plain BUILD="$scratch/$compiler/$path" \
			>"$log.one" 2>&1 || bad=1
		sed -E "s#^([A-Za-z0-9_/.]+\.[ch]:[0-9]+)#$path/\1#" "$log.one" >>"$log"
	done
	files_into list '^(selftests|userspace)/.*\.c$' "^$kernel_tests/"
	for path in "${list[@]}"; do
		! grep -qF "$(basename "$path")" "$log" || continue
		flags=(-std=gnu11 -Wall -Wextra -Werror -Iuapi -Iselftests -c -o /dev/null)
		grep -q '^#define _GNU_SOURCE' "$path" || flags+=(-D_GNU_SOURCE)
		echo "$compiler ${flags[*]} $path" >>"$log"
		"$compiler" "${flags[@]}" "$path" >>"$log" 2>&1 || bad=1
	done
	! grep -E '(warning|error|fatal error):|undefined reference|\*\*\* \[' "$log" || bad=1
	awk '/ -c | -o / && /\.c( |$)/ { n++ }
		/ -c | -o / && /\.c( |$)/ && !(/-Wall/ && /-Wextra/ && /-Werror/ && /-std=(c|gnu)11/) { print "flags missing: " $0; bad = 1 }
		END { print n + 0 " compiler runs"; exit bad || !n }' "$log" || bad=1
	[ "$bad" -eq 0 ] || tail -n 5 "$log"
	return "$bad"
}

check_user-gcc() {
	user_build gcc
}

check_user-clang() {
	user_build clang
}

passed=0 failed=0 skipped=0 number=0
run() {
	local name=$1 status=0 out=$scratch/out
	number=$((number + 1))
	# Not in a condition: bash would switch `set -e` off inside the check.
	set +e
	(
		set -e
		"check_$name"
	) >"$out" 2>&1
	status=$?
	set -e
	case $status in
	0)
		passed=$((passed + 1))
		tail -n 8 "$out" | sed 's/^/# /'
		echo "ok $number $name"
		;;
	4)
		skipped=$((skipped + 1))
		echo "ok $number $name # SKIP $(tail -n 1 "$out")"
		;;
	*)
		failed=$((failed + 1))
		head -n "${DETAILS:-40}" "$out" | sed 's/^/# /'
		[ "$(wc -l <"$out")" -le "${DETAILS:-40}" ] || echo "# ... $(wc -l <"$out") lines in all: DETAILS=1000 selftests/style.sh $name"
		echo "not ok $number $name"
		;;
	esac
}

list_all
[ $# -gt 0 ] || set -- "${all_checks[@]}"
echo "KTAP version 1"
echo "1..$#"
for check in "$@"; do
	declare -F "check_$check" >/dev/null || {
		echo "style.sh: no check named $check; there are: ${all_checks[*]}" >&2
		exit 2
	}
	run "$check"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
