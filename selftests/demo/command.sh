# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: the rows of the demonstration in which the command ktlsx is the server, the client, or both: its own handshake by
# libktlsx, then sendfile, splice, and a program that knows nothing but standard input and output.
# Must not know: how a row is counted and judged.
# Concurrency: one row at a time.
# shellcheck disable=SC2154 # ports and the options of a suite are set in peers.sh
# shellcheck disable=SC2094 # a file that grows is looked at, not read, while it is written

command_port=8446
command_server=''
ktlsx=$(dirname "${BASH_SOURCE[0]}")/ktlsx

# choose_version PROTOCOL CIPHER: the options that leave ktlsx no other choice.
choose_version() {
	case $1 in
	TLSv1.2) command_tls=(--tls12 --suites "$2") ;;
	TLSv1.3) command_tls=(--tls13 --suites "$2") ;;
	esac
}

# start_accept OPTION...: one connection.
start_accept() {
	serve "$command_port" server.log timeout 90 "$ktlsx" accept "$command_port" --cert cert.pem --key key.pem \
		"${command_tls[@]}" --once "$@"
	command_server=${servers[-1]}
}

# accept_ends STATUS
accept_ends() {
	local status=0

	wait "$command_server" || status=$?
	servers=()
	[ $status = "$1" ] || complain "ktlsx accept ended with status $status, not $1: $(tail -n 1 server.log)"
}

# fetch PORT PATH OUT: one GET by ktlsx; what it reports goes to client.log, in JSON.
fetch() {
	timeout 90 "$ktlsx" connect "127.0.0.1:$1" --name localhost --trust cert.pem "${command_tls[@]}" \
		--json --get "$2" -o "$3" 2> client.log || complain "ktlsx connect: $(tail -n 1 client.log)"
}

# reported KEY: a number out of that report.
reported() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" client.log | tail -n 1 | grep . || echo 0
}

# The file leaves by sendfile; curl's records are OpenSSL's own.
accept_to_curl() {
	local size header request
	begin 'ktlsx accept --file -> curl' "$1" "$2"
	choose_version "$1" "$2"
	start_accept --file files/big/16777216
	timeout 90 curl -v --fail --silent --show-error --cacert cert.pem "${curl_tls[@]}" --output out/file \
		--write-out '%{size_header} %{size_request}\n' "https://localhost:$command_port/file" \
		> curl.out 2> client.log || complain "curl: $(tail -n 1 client.log)"
	accept_ends 0
	read -r header request < curl.out
	size=$(stat -c %s files/big/16777216)
	client_saw "SSL connection using $1 / $2"
	explain "$size" "$header" "$request" 1
	finish "$(same files/big/16777216 out/file)"
}

# The kernel does the records of both ends; the client's file is written by splice.
accept_to_connect() {
	local size
	begin 'ktlsx accept --file -> ktlsx connect' "$1" "$2"
	choose_version "$1" "$2"
	size=$(stat -c %s files/big/16777216)
	start_accept --file files/big/16777216
	fetch "$command_port" /file out/file
	accept_ends 0
	client_saw "\"version\":\"$1\"" "$2" '"offloaded":true'
	account "$size" $(($(reported request_bytes) + $(reported head_bytes))) \
		$((size + $(reported request_bytes) + $(reported head_bytes))) 2 2
	[ "$(delta RxSpliceBytes)" -gt $((size / 2)) ] || complain 'less than half went by splice'
	finish "$(same files/big/16777216 out/file)"
}

# nginx seals, and opens in the kernel where its OpenSSL does.
nginx_to_connect() {
	local size rx=1 opened
	begin 'nginx sendfile -> ktlsx connect' "$1" "$2"
	choose_version "$1" "$2"
	size=$(stat -c %s files/big/16777216)
	start_nginx
	fetch "$nginx_port" /big/16777216 out/file
	opened=$((size + $(reported head_bytes)))
	! openssl_opens "$1" || rx=2 opened=$((opened + $(reported request_bytes)))
	client_saw "\"version\":\"$1\"" "$2" '"offloaded":true'
	account "$size" $(($(reported request_bytes) + $(reported head_bytes))) "$opened" 2 $rx
	[ "$(delta RxSpliceBytes)" -gt $((size / 2)) ] || complain 'less than half went by splice'
	finish "$(same files/big/16777216 out/file)"
}

# exec_cat WHO CLIENT PROTOCOL CIPHER: cat's standard input and output are the connection; it must see its end, and no error.
exec_cat() {
	local client=$2 len
	begin "ktlsx accept --exec cat <-> $1" "$3" "$4"
	choose_version "$3" "$4"
	len=$(stat -c %s text)
	: > out/down
	start_accept --exec /bin/cat
	feed text has_bytes out/down "$len" | "$client" "$command_port" > out/down
	accept_ends 0
	explain 0 "$len" "$len" 1
	finish "$(same text out/down)"
}

mortal_s_client() {
	echo "$BASHPID" > client.pid
	exec openssl s_client -connect "127.0.0.1:$command_port" "${openssl_tls[@]}" -CAfile cert.pem -verify_return_error \
		-verify_hostname localhost -quiet 2> client.log
}

# The client dies without close_notify: cat must not take that for the end of its input.
exec_cut() {
	local len
	begin 'ktlsx accept --exec cat, cut' "$1" "$2"
	choose_version "$1" "$2"
	len=$(stat -c %s text)
	: > out/down
	start_accept --exec /bin/cat
	(feed text test -e hangup | mortal_s_client > out/down) 2> /dev/null &
	wait_until 300 has_bytes out/down "$len" || complain "the echo is not whole: $(tail -n 1 client.log)"
	kill -9 "$(cat client.pid)"
	accept_ends 10
	grep -q 'Protocol error' server.log || complain "cat says: $(tail -n 2 server.log | head -n 1)"
	explain 0 "$len" "$len" 1
	finish "$(same text out/down)"
}

# Debian's own GnuTLS: records in userspace, and another TLS than OpenSSL.
plain_gnutls_cli() {
	timeout 90 /usr/bin/gnutls-cli --logfile client.log --x509cafile cert.pem --verify-hostname localhost --port "$1" \
		--priority "$gnutls_priority" 127.0.0.1 2> client.err || complain "gnutls-cli: $(tail -n 1 client.err)"
}

plain_s_client() {
	s_client "$1"
}

exec_cat_s_client() { exec_cat s_client plain_s_client "$@"; }
exec_cat_gnutls_cli() { exec_cat gnutls-cli plain_gnutls_cli "$@"; }
