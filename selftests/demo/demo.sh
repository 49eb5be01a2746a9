#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the demonstration: real programs exchange random files over TLS records that the kernel seals and opens, and the
# kernel's counters must explain every byte of it. Prints progress, a table, and exits non-zero if any row is wrong.
# Must not know: who loaded the module, nor whether this is a virtual machine. Needs no privileges.
# Concurrency: one row at a time, in a network namespace where nothing else uses TLS in the kernel.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=selftests/demo/counters.sh
. "$here/counters.sh"
# shellcheck source=selftests/demo/peers.sh
. "$here/peers.sh"
# shellcheck source=selftests/demo/command.sh
. "$here/command.sh"

sizes=(0 1 16383 16384 16385 65536 65537 1048576 1048577 16777216)
small_count=200
upload_len=4194304
rows=(
	'nginx_to_curl big 127.0.0.1 TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'
	'nginx_to_curl big 127.0.0.1 TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384'
	'nginx_to_curl big 127.0.0.1 TLSv1.3 TLS_AES_128_GCM_SHA256'
	'nginx_to_curl big [::1] TLSv1.3 TLS_AES_256_GCM_SHA384'
	'nginx_to_curl small 127.0.0.1 TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'
	'nginx_to_curl small [::1] TLSv1.3 TLS_AES_256_GCM_SHA384'
	'nginx_to_curl big 127.0.0.1 TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305'
	'nginx_to_curl big 127.0.0.1 TLSv1.3 TLS_CHACHA20_POLY1305_SHA256'
	's_client_and_nginx TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'
	's_client_and_s_server TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384'
	's_client_and_s_server TLSv1.2 ECDHE-ECDSA-AES128-CCM'
	's_client_and_s_server TLSv1.3 TLS_CHACHA20_POLY1305_SHA256'
	'client_certificate TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'
	'client_certificate TLSv1.3 TLS_AES_256_GCM_SHA384'
	'key_updates TLSv1.3 TLS_AES_128_GCM_SHA256'
	'key_updates TLSv1.3 TLS_AES_256_GCM_SHA384'
	's_client_and_gnutls_serv TLSv1.3 TLS_AES_128_GCM_SHA256'
	's_client_and_gnutls_serv TLSv1.3 TLS_AES_256_GCM_SHA384'
	'gnutls_cli_and_s_server TLSv1.3 TLS_AES_128_GCM_SHA256'
	'gnutls_cli_key_updates TLSv1.3 TLS_AES_256_GCM_SHA384'
	'gnutls_serv_key_updates TLSv1.3 TLS_AES_128_GCM_SHA256'
	'accept_to_curl TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'
	'accept_to_curl TLSv1.3 TLS_AES_256_GCM_SHA384'
	'accept_to_connect TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384'
	'accept_to_connect TLSv1.3 TLS_AES_128_GCM_SHA256'
	'nginx_to_connect TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'
	'nginx_to_connect TLSv1.3 TLS_AES_256_GCM_SHA384'
	'exec_cat_s_client TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384'
	'exec_cat_s_client TLSv1.3 TLS_AES_128_GCM_SHA256'
	'exec_cat_gnutls_cli TLSv1.3 TLS_AES_256_GCM_SHA384'
	'exec_cut TLSv1.3 TLS_AES_128_GCM_SHA256'
)
# KTLSX_ROWS: only rows with that in them
mapfile -t rows <<< "$(printf '%s\n' "${rows[@]}" | grep -F -- "${KTLSX_ROWS:-}")"
# What this GnuTLS cannot do is not tried.
gnutls_changes_keys || mapfile -t rows <<< "$(printf '%s\n' "${rows[@]}" | grep -v '^gnutls.*key_updates')"
row_count=0
table=() failures=()

say() { printf 'demo: %s\n' "$*"; }

tidy() {
	local status=$?

	[ $status = 0 ] || [ ${#failures[@]} -gt 0 ] || say "FAILED: ended with status $status in row $row_count"
	stop_servers
	cd /
	rm -rf "$work"
}

make_files() {
	local size i

	mkdir -p files/big files/small up temp
	for size in "${sizes[@]}"; do
		head -c "$size" /dev/urandom > "files/big/$size"
	done
	for ((i = 0; i < small_count; i++)); do
		head -c $((i * i % 20011 + 1)) /dev/urandom > "files/small/$i"
	done
	head -c $upload_len /dev/urandom > upload
	head -c $upload_len /dev/urandom > download
	head -c 300000 /dev/urandom | base64 > text
}

# begin WHO PROTOCOL CIPHER
begin() {
	row_name=$1 protocol=$2 cipher=$3
	choose_suite "$protocol" "$cipher"
	printf 'demo: [%2d/%d] %-38s %s %s ... ' $((++row_count)) ${#rows[@]} "$row_name" "$protocol" "$cipher"
	row_start=$SECONDS
	rm -rf out
	mkdir out
	start_counting
}

# account SENDFILE SEND OPENED TX_SOCKETS RX_SOCKETS: application bytes that the kernel must have carried, each way. No more,
# no less.
account() {
	local opened

	stop_counting
	must_be TxSendfileBytes "$1"
	must_have_records TxSendfileRecords "$1"
	must_be TxSendBytes "$2"
	must_have_records TxSendRecords "$2"
	opened=$(($(delta RxRecvBytes) + $(delta RxSpliceBytes)))
	[ $opened = "$3" ] || complain "RxRecvBytes and RxSpliceBytes grew by $opened, must be $3"
	must_be TotalTx "$4"
	must_be TotalRx "$5"
	row_bytes=$(($1 + $2 + $3))
}

# explain SENDFILE SEND RECV RX_SOCKETS: likewise, one sending socket, and no splice.
explain() {
	account "$1" "$2" "$3" 1 "$4"
	must_have_records RxRecvRecords "$3"
	must_be RxSpliceBytes 0
}

# finish: judge the row and give it its line of the table.
finish() {
	local sha=$1 opened

	stop_servers
	[ "$sha" = yes ] || complain "what arrived is not what was sent"
	opened=$(($(delta RxRecvRecords) + $(delta RxSpliceRecords)))
	table+=("$row_name|$protocol|$cipher|$row_bytes|$(delta TxSendfileRecords)|$(delta TxSendRecords)|$opened|$sha")
	if [ -z "$complaints" ]; then
		echo "ok, $row_bytes bytes, $((SECONDS - row_start)) s"
	else
		echo "FAILED: $complaints"
		failures+=("$row_name, $protocol, $cipher: $complaints")
	fi
}

# same A B...: the files of A and B, pairwise, have the same sha256.
same() {
	local sums=''

	while [ $# -gt 0 ]; do
		sums=$(sha256sum < "$1")
		[ "$sums" = "$(sha256sum < "$2")" ] || { echo no; return; }
		shift 2
	done
	echo yes
}

# same_tree A B
same_tree() {
	(cd "$1" && sha256sum -- *) > sums
	if (cd "$2" && sha256sum --check --status ../sums && [ "$(find . -type f | wc -l)" = "$(wc -l < ../sums)" ]); then
		echo yes
	else
		echo no
	fi
}

# both_have LEN
both_have() {
	has_bytes out/up "$1" && has_bytes out/down "$1"
}

# client_saw TEXT...: the protocol and cipher of the row, in the words of the client.
client_saw() {
	local text

	for text; do
		grep -qF -- "$text" client.log || complain "the client does not say $text"
	done
}

# nginx_to_curl DIR HOST PROTOCOL CIPHER: all files of files/DIR over one connection.
nginx_to_curl() {
	local dir=$1 file downloaded=0 headers=0 requests=0 connects=0 rx=0
	local n d h r

	begin "nginx sendfile -> curl, $dir" "$3" "$4"
	for file in files/"$dir"/*; do
		printf 'url = "https://%s:%d/%s/%s"\noutput = "out/%s"\n' "$2" "$nginx_port" "$dir" "${file##*/}" "${file##*/}"
	done > curl.conf
	start_nginx
	timeout 90 curl -v --fail --globoff --silent --show-error --cacert cert.pem "${curl_tls[@]}" --config curl.conf \
		--write-out '%{num_connects} %{size_download} %{size_header} %{size_request}\n' > curl.out 2> client.log ||
		complain "curl: $(tail -n 1 client.log)"
	while read -r n d h r; do
		connects=$((connects + n)) downloaded=$((downloaded + d)) headers=$((headers + h)) requests=$((requests + r))
	done < curl.out
	[ $connects = 1 ] || complain "$connects connections, not 1"
	client_saw "SSL connection using $3 / $4"
	if openssl_opens "$3"; then rx=1; else requests=0; fi
	explain $downloaded $headers $requests $rx
	finish "$(same_tree files/"$dir" out)"
}

# OpenSSL receives through the kernel: the upload is opened there, the same file comes back by sendfile.
s_client_and_nginx() {
	local headers
	begin 's_client <-> nginx, PUT and GET' "$1" "$2"
	rm -f up/*
	{
		printf 'PUT /up/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' "$upload_len"
		cat upload
		printf 'GET /up/file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
	} > request
	start_nginx
	s_client "$nginx_port" -ign_eof < request > answer
	tail -c "$upload_len" answer > out/file
	headers=$(($(stat -c %s answer) - upload_len))
	client_saw "$1" "$2"
	explain "$upload_len" "$headers" "$(stat -c %s request)" 1
	finish "$(same upload up/file upload out/file)"
}

# Both directions at once, by write and read.
s_client_and_s_server() {
	begin 's_client <-> s_server' "$1" "$2"
	start_s_server download out/up "$PWD/openssl.cnf"
	feed upload both_have "$upload_len" | s_client "$openssl_port" > out/down
	client_saw "$1" "$2"
	if openssl_opens "$1"; then explain 0 "$upload_len" "$upload_len" 1; else explain 0 "$upload_len" 0 0; fi
	finish "$(same upload out/up download out/down)"
}

# The client shows a certificate: its messages come before the keys, or behind the server's.
client_certificate() {
	begin 's_client with a certificate <-> s_server' "$1" "$2"
	start_s_server download out/up "$PWD/openssl.cnf" -Verify 1 -CAfile cert.pem -verify_return_error
	feed upload both_have "$upload_len" | s_client "$openssl_port" -cert cert.pem -key key.pem > out/down
	client_saw "$1" "$2"
	if openssl_opens "$1"; then explain 0 "$upload_len" "$upload_len" 1; else explain 0 "$upload_len" 0 0; fi
	finish "$(same upload out/up download out/down)"
}

# say_and_update ANSWER LINE...: lines and commands, each in a read of its own. ANSWER makes of a line what comes back; a command,
# new keys for s_client (k, K) or gnutls-cli (^rekey1^, ^rekey^), one way or both, is not answered.
say_and_update() {
	local line answer=$1
	shift

	for line; do
		echo "$line"
		case $line in
		? | ^*) sleep 2 ;;
		*) wait_until 50 grep -qx "$($answer <<< "$line")" out/all || true ;;
		esac
	done
}

# OpenSSL before 3.2 gives up where its peer changes keys and the kernel seals; it says so, and so does the README.
key_updates() {
	begin 's_client K, k <-> s_server -rev' "$1" "$2"
	printf '%s\n' eno owt eerht ruof > reversed
	: > out/down
	start_reverser "$PWD/openssl.cnf"
	say_and_update rev one k two K three k four | open_s_client "$openssl_port" > out/all || true
	grep -xE 'eno|owt|eerht|ruof' out/all > out/down || true
	if openssl_opens "$1"; then
		explain 0 19 19 1
		must_be RxRekeyOk 3
		must_be TxRekeyOk 1
		finish "$(same reversed out/down)"
	else
		stop_counting
		row_bytes=$(delta TxSendBytes)
		must_be TxRekeyOk 0
		head -n 2 reversed > expected
		head -n 2 out/down > arrived
		finish "$(same expected arrived)"
	fi
}

# GnuTLS receives and sends TLS 1.3 in the kernel. Its echo knows only text.
s_client_and_gnutls_serv() {
	local len
	begin 's_client <-> gnutls-serv echo' "$1" "$2"
	len=$(stat -c %s text)
	cp text out/up
	start_gnutls_serv
	feed text both_have "$len" | s_client "$gnutls_port" > out/down
	client_saw "$1" "$2"
	explain 0 "$len" "$len" 1
	finish "$(same text out/down)"
}

# The other way round: the client is the one in the kernel.
gnutls_cli_and_s_server() {
	local len
	begin 'gnutls-cli <-> s_server' "$1" "$2"
	len=$(stat -c %s text)
	start_s_server text out/up
	feed text both_have "$len" | gnutls_cli "$openssl_port" > out/down
	client_saw "(${1/v/}-" "$(sed -E 's/.*AES_([0-9]*).*/(AES-\1-GCM)/' <<< "$2")"
	explain 0 "$len" "$len" 1
	finish "$(same text out/up text out/down)"
}

# GnuTLS changes its keys in the kernel: its own first, then both sides'.
gnutls_cli_key_updates() {
	begin 'gnutls-cli rekey <-> s_server -rev' "$1" "$2"
	printf '%s\n' eno owt eerht > reversed
	start_reverser
	say_and_update rev one ^rekey1^ two ^rekey^ three | gnutls_cli "$openssl_port" --inline-commands > out/all || true
	grep -xE 'eno|owt|eerht' out/all > out/down || true
	explain 0 14 14 1
	must_be TxRekeyOk 2
	must_be RxRekeyOk 1
	finish "$(same reversed out/down)"
}

# And where its peer asks for it.
gnutls_serv_key_updates() {
	begin 's_client K, k <-> gnutls-serv echo' "$1" "$2"
	printf '%s\n' one two three four > said
	start_gnutls_serv
	say_and_update cat one k two K three k four | open_s_client "$gnutls_port" > out/all || true
	grep -xE 'one|two|three|four' out/all > out/down || true
	explain 0 19 19 1
	must_be TxRekeyOk 1
	must_be RxRekeyOk 3
	finish "$(same said out/down)"
}

# The machine as ktlsx doctor sees it: what does not have to be so in a guest is a warning.
examine() {
	say 'ktlsx doctor'
	"$ktlsx" doctor || failures+=('ktlsx doctor found a problem')
}

show_table() {
	local line
	local format='%-38s %-8s %-29s %9s %9s %8s %8s  %s\n'

	# shellcheck disable=SC2059 # the format is ours
	printf "$format" '' protocol cipher bytes sendfile send opened sha256
	# shellcheck disable=SC2059
	printf "$format" who '' '' '' records records records equal
	for line in "${table[@]}"; do
		IFS='|' read -ra line <<< "$line"
		# shellcheck disable=SC2059
		printf "$format" "${line[@]}"
	done
}

work=$(mktemp -d)
trap tidy EXIT
cp "$here"/{nginx,gnutls}.conf "$here/openssl.cnf" "$work/"
cd "$work"
say "kernel $(uname -r), user $(id -un), $(nginx -v 2>&1 | sed 's/.*: //'), $(curl --version | cut -d' ' -f1-2 | head -n 1), $(openssl version | cut -d' ' -f1-2)"
say "$(LD_LIBRARY_PATH=$gnutls "$gnutls/gnutls-cli" --version | head -n 1), built from Debian's source with --enable-ktls: its package leaves that out"
say 'making a certificate and random files'
make_certificate
make_files
examine
for row in "${rows[@]}"; do
	read -ra words <<< "$row"
	"${words[@]}"
done
echo
show_table
if [ ${#failures[@]} -gt 0 ]; then
	printf 'demo: FAILED: %s\n' "${failures[@]}"
	exit 1
fi
[ ${#table[@]} = ${#rows[@]} ]
