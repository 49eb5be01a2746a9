#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: one run of a guest: which programs, which accelerator, QEMU, and the verdict.
# Must not know: what the image is made of, nor what the programs test.
# Concurrency: any number at once; each run has a folder of its own in the cache, removed when the run passed.
# The verdict comes from the result file alone, and only if that is whole; QEMU's exit status says nothing.
set -euo pipefail

usage() {
	cat <<-'END'
	run.sh [options] [KERNEL [PATTERN]]   run the test programs whose name contains or matches PATTERN ("prog:test": that test)
	  --image DIR       boot this image, which has its own list of programs; if there is a DIR/linux, that runs as User-Mode Linux
	  --own DIR         boot the kernel of this folder of uml/kernel.sh
	  --also FILE       lines that are added to the list of programs, if they match PATTERN
	  --in FOLDER       the programs of selftests/build/FOLDER
	  --run PATH        run one script of the guest instead of tests: its output comes live, its exit status is ours
	  --root DIR, --packages NAMES, --modules NAMES, --no-module   as image.sh has them
	  --tests-only      count what programs report; that the module loads and leaves nothing counts when it fails
	  --steady          an emulated CPU counts instructions (as ICOUNT=1): time is its own, for programs with short timeouts
	  --mem SIZE        memory of the guest (1G)        --timeout SEC   of the whole run (1800)
	  --keep            keep the folder of the run
	Environment:
	  ACCEL=kvm|tcg, ICOUNT=1 (1 CPU that counts instructions), SHELL_IN_GUEST=1, VERBOSE=1, APPEND="kernel parameters"
	  KTLSX_NOMODULE=1     boot with the in-tree tls instead of our module
	  KTLSX_NOLOAD=1       our module lies in /modules, but the script of --run loads it
	  KTLSX_PARAMS=a=b,c=d parameters of our module      KTLSX_MODPROBE=x,y  in-tree modules to load before it
	  PROGRAM_SECONDS      what one program may take (settings)
	  KTLSX_SLOW           factor for the tests' own timeouts; any other KTLSX_* reaches the guest as it is
	END
	exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=$(cd "$here/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
# Whatever goes wrong in the kernel ends the run at once.
loud='panic=-1 oops=panic panic_on_warn=1 softlockup_panic=1 sysctl.kernel.panic_on_rcu_stall=1 sysctl.kernel.hung_task_panic=1'
boot='console=ttyS0,115200 slab_nomerge log_buf_len=4M printk.devkmsg=on net.ifnames=0'

say() { printf '# vm: %s\n' "$*"; }
die() { say "$@" >&2; exit 1; }

# qemu SECONDS FOLDER ACCELERATOR COMMAND-LINE [OPTION...]; KTAP goes to FOLDER/result unless the caller has other plans.
qemu() {
	local seconds=$1 dir=$2 how=$3 append=$4
	local -a machine=(-accel kvm -cpu host)
	shift 4

	[ "$how" = kvm ] || machine=(-accel "tcg,thread=multi" -cpu max)
	[ -z "${ICOUNT:-}" ] || machine=(-accel tcg -icount "shift=0,sleep=off" -cpu max)
	exec timeout --foreground -k 5 "$seconds" qemu-system-x86_64 "${machine[@]}" -smp "$cpus" -m "$mem" -kernel "$dir/vmlinuz" \
		-initrd "$dir/initrd" -append "$append KTLSX_RESET=1" -no-reboot -nodefaults -no-user-config -display none -nic none \
		-serial "file:$dir/console" "$@"
}

# uml SECONDS FOLDER COMMAND-LINE: a kernel that is a program; its serial lines are open files.
uml() {
	exec timeout --foreground -k 5 "$1" "$2/linux" "mem=$mem" "initrd=$2/initrd" seccomp=on "uml_dir=$2/" \
		con=null ssl0=null,fd:4 ssl1=null,fd:3 "$3" 3> "$2/result" 4> "$2/console"
}

# An accelerator is proved by a boot only: /dev/kvm may open and still not run a guest.
kvm_works() {
	[ -w /dev/kvm ] || return 1
	{ (qemu 10 "$1" kvm "console=ttyS0 $loud KTLSX_TRIAL=1" -serial "file:$1/trial") || true; } > /dev/null 2>&1
	grep -qs alive "$1/trial"
}

# Sets accel; the answer of the trial is remembered for this kernel until the machine is booted again.
choose_accel() {
	local memo
	memo=$cache/accel/$(cat "$1/abi")-$(cat /proc/sys/kernel/random/boot_id)

	accel=${ACCEL:-}
	[ ! -x "$1/linux" ] || accel=uml cpus=1
	[ -z "$accel" ] || return 0
	mkdir -p "$cache/accel"
	if [ ! -s "$memo" ]; then
		if kvm_works "$1"; then echo kvm > "$memo.$$"; else echo tcg > "$memo.$$"; fi
		mv "$memo.$$" "$memo"
	fi
	accel=$(cat "$memo")
}

# Lines "seconds program" of all there is.
list_all() {
	local seconds

	seconds=${PROGRAM_SECONDS:-$(sed -n 's/^timeout=//p' "$tests/settings" 2> /dev/null || true)}
	find "$tests/build/$folder" -maxdepth "${depth:-1}" -type f -perm -u+x -printf "${seconds:-120} /tests/${folder:+$folder/}%P\n" | sort
	[ -z "$also" ] || cat "$also"
}

# write_list PATTERN FILE
write_list() {
	local pattern=${1%%:*} filter='' seconds program name

	case $1 in *:*) filter=${1#*:} ;; esac
	while read -r seconds program; do
		name=${program#"/tests/${folder:+$folder/}"}
		# shellcheck disable=SC2053 # the pattern is one
		[[ $name == *"$pattern"* || $name == $pattern ]] && echo "$seconds $program $filter"
	done < <(list_all) > "$2" || true
	[ -s "$2" ] || die "no test program in selftests/build/$folder matches '$1'"
}

# Shows results as they come: programs, and what failed inside them with the lines that say why.
show() {
	tail -n +1 -s 0.2 -f --pid="$1" "$2" | awk -v all="${VERBOSE:-}${script:-}" '
	/^# ktlsx-init:/ { next }
	all != "" { print; fflush(); next }
	/^ok |^ *ok .*# SKIP/ { print; why = ""; fflush(); next }
	/^ *not ok / { printf "%s%s\n", why, $0; why = ""; fflush(); next }
	/^ *ok / { why = ""; next }
	/^ *#/ { why = why $0 "\n" }'
}

# Sums over the leaves; a parent that failed by itself (killed, kernel log) counts as one more failure.
verdict() {
	awk -v tests_only="${tests_only:-}" '
	/^1\.\.[0-9]+/ { planned = substr($1, 4) }
	/^# ktlsx-init: done/ { whole = 1 }
	/^ *(not )?ok [0-9]+/ {
		match($0, /^ */)
		d = RLENGTH / 2
		bad = $1 == "not"
		if (!count[d + 1] || (bad && !failures[d + 1])) {
			if (bad) failed++
			else if (tests_only != "" && !d) ;
			else if (!count[d + 1] && /# SKIP/) skipped++
			else if (!count[d + 1]) passed++
		}
		count[d]++
		failures[d] += bad
		count[d + 1] = failures[d + 1] = 0
	}
	END {
		if (!whole || planned == "" || planned != count[0]) {
			printf "# vm: the result is not whole: %d of %s programs\n", count[0], planned == "" ? "?" : planned
			failed++
		}
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed || !passed
	}' "$1"
}

environment() {
	local name

	if [ "$accel" != kvm ] || [ -n "${ICOUNT:-}" ]; then
		export KTLSX_SLOW=${KTLSX_SLOW:-10}
	fi
	if [ -n "${KTLSX_NOMODULE:-}" ]; then
		export KTLSX_ULP=tls KTLSX_MODPROBE=${KTLSX_MODPROBE-aesni-intel,tls}
	elif [ -z "${script:-}${ICOUNT:-}" ]; then
		export KTLSX_PARAMS=${KTLSX_PARAMS:-pool_poison=1}
	fi
	# In the guest the module is there: a test that does not find it has failed.
	export KTLSX_REQUIRE=1
	for name in "${!KTLSX_@}"; do
		printf ' %s=%s' "$name" "${!name}"
	done
}

# To be run in the background: it becomes the guest.
run_guest() {
	case $accel in
	uml) uml "$seconds" "$dir" "$1" ;;
	*) qemu "$seconds" "$dir" "$accel" "$1" -serial "file:$dir/result" ;;
	esac
}

boot() {
	local append="$boot $loud" started=$SECONDS
	append+=$(environment)
	[ "$accel" = kvm ] || append+=' watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60'
	[ -z "${ICOUNT:-}" ] || append+=' mitigations=off tsc=reliable quiet'
	[ -z "${APPEND:-}" ] || append+=" $APPEND"

	if [ -n "${SHELL_IN_GUEST:-}" ]; then
		(qemu 86400 "$dir" "$accel" "$append KTLSX_SHELL=1" -serial mon:stdio)
		return
	fi
	: > "$dir/result"
	say "kernel $(cat "$dir/abi"), $accel, $cpus CPU, folder $dir"
	run_guest "$append" > "$dir/qemu" 2>&1 < /dev/null &
	guest=$!
	trap 'kill $guest 2> /dev/null || true' EXIT
	show "$guest" "$dir/result"
	wait "$guest" || say "the guest ended with status $?: $(tail -n 1 "$dir/qemu")"
	trap - EXIT
	say "$((SECONDS - started)) s in the guest"
}

# Prints what the run left, sets status; a folder worth a look stays.
judge() {
	if [ -n "${script:-}" ]; then
		status=$(sed -n 's/^# ktlsx-init: exit //p' "$dir/result")
		status=${status:-1}
	else
		status=0
		sum=$(verdict "$dir/result") || status=1
	fi
	if ! grep -q '^# ktlsx-init:' "$dir/result"; then
		say "the guest died in '$(sed -n 's/.*ktlsx-init: //p' "$dir/console" | tail -n 1)'; its kernel log:"
		awk '/cut here|BUG: |Kernel panic|rcu: INFO/ { on = 1 } on && n++ < 60' "$dir/console" | grep . || tail -n 20 "$dir/console"
	fi
	if [ "$status" != 0 ]; then
		say "kept for a look: $dir (console, result)"
	elif [ -z "${keep:-}" ]; then
		rm -rf "$dir"
	fi
	[ -z "${sum:-}" ] || printf '%s\n' "$sum"
}

kernel=6.1 pattern='' mem=1G seconds=1800 cpus=2 image='' script='' keep='' folder='' also='' tests_only='' steady=''
image_options=()
while [ $# -gt 0 ]; do
	case $1 in
	--image) image=$2; shift ;;
	--run) script=$2; shift ;;
	--in) folder=$2; shift ;;
	--also) also=$2; shift ;;
	--root | --packages | --modules | --own) image_options+=("$1" "$2"); shift ;;
	--no-module) KTLSX_NOMODULE=1 ;;
	--tests-only) tests_only=1 ;;
	--steady) steady=1 ;;
	--mem) mem=$2; shift ;;
	--timeout) seconds=$2; shift ;;
	--keep) keep=1 ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -le 2 ] || usage
kernel=${1:-$kernel} pattern=${2:-}
[[ -x "$image/linux" || " ${image_options[*]}" == *" --own "*/um-* ]] || command -v qemu-system-x86_64 > /dev/null || die "no QEMU here: as root, apt-get install qemu-system-x86"
[ -z "${ICOUNT:-}" ] || cpus=1 depth=2
[ -z "${KTLSX_NOMODULE:-}" ] || image_options+=(--no-module)
mkdir -p "$cache/run"
find "$cache/run" -mindepth 1 -maxdepth 1 -mmin +2880 -exec rm -rf {} +
dir=$(mktemp -d "$cache/run/XXXXXX")
if [ -n "$script" ]; then
	export KTLSX_SCRIPT=$script KTLSX_TIMEOUT=$((seconds > 60 ? seconds - 20 : seconds))
	# The one program it needs, if it is a test program: all of them would not fit beside large packages.
	echo "$seconds $script " > "$dir/list"
	image_options+=(--list "$dir/list")
elif [ -z "${SHELL_IN_GUEST:-}$image" ]; then
	write_list "$pattern" "$dir/list"
	image_options+=(--list "$dir/list")
else
	image_options+=(--packages "curl openssl strace tcpdump procps")
fi
if [ -n "$image" ]; then
	cp "$image"/* "$dir/"
else
	"$here/image.sh" "${image_options[@]}" "$kernel" "$dir"
fi
choose_accel "$dir"
[ -z "$steady" ] || [ "$accel" != tcg ] || ICOUNT=1 cpus=1
boot
[ -n "${SHELL_IN_GUEST:-}" ] && { rm -rf "$dir"; exit; }
judge
exit "$status"
