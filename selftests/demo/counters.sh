# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: what the kernel says it sealed and opened, before and after a row, and what that must have been.
# Must not know: which programs talk.
# Concurrency: none; the counters are those of this network namespace, where one row runs at a time.

counters=/proc/net/ktlsx_stat
declare -A before=() after=()
complaints=''

complain() {
	complaints+="${complaints:+; }$*"
}

# read_counters ARRAY
read_counters() {
	local -n into=$1
	local name value

	into=()
	while read -r name value; do
		# shellcheck disable=SC2034,SC2004 # an associative array by reference
		into[$name]=$value
	done < "$counters"
}

# A counter that is not there is an error, never a zero.
delta() {
	echo $((${after[$1]:?no counter $1 in $counters} - ${before[$1]:?}))
}

start_counting() {
	complaints=''
	read_counters before
}

# Connections end a moment after the client has what it wants.
stop_counting() {
	local patience=100

	while read_counters after; [ "${after[CurrTx]:?}${after[CurrRx]:?}" != 00 ] && [ $((patience--)) -gt 0 ]; do
		sleep 0.1
	done
	[ "${after[CurrTx]}" = 0 ] || complain "${after[CurrTx]} sockets still have TX keys"
	[ "${after[CurrRx]}" = 0 ] || complain "${after[CurrRx]} sockets still have RX keys"
	must_be RxAuthFail 0
	must_be RxBadRecord 0
}

# must_be COUNTER VALUE: since the row began, exactly that much.
must_be() {
	local got
	got=$(delta "$1")

	[ "$got" = "$2" ] || complain "$1 grew by $got, must be $2"
}

# A record holds 16384 bytes: fewer records than that cannot have carried so many bytes.
must_have_records() {
	local got
	got=$(delta "$1")

	[ "$got" -ge $((($2 + 16383) / 16384)) ] || complain "$1 grew by $got, too few for $2 bytes"
}
