# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: the programs that talk, all of them Debian's: how each is started, fed, and stopped by its pid.
# Must not know: the counters.
# Concurrency: servers in the background, one client at a time in the foreground; every wait has an end.
# gnutls: the folder of the GnuTLS programs and their library. Only the side under test gets the configuration that turns kernel TLS on; its peer decrypts in userspace.

nginx_port=8443 openssl_port=8444 gnutls_port=8445
servers=()
curl_tls=() openssl_tls=() gnutls_priority=''

# nginx lives where an unprivileged PATH does not look.
PATH=$PATH:/usr/sbin:/sbin
gnutls=$(dirname "${BASH_SOURCE[0]}")/gnutls

# choose_suite PROTOCOL CIPHER: the options that leave a client no other choice.
# shellcheck disable=SC2034 # curl is run elsewhere
choose_suite() {
	local gnutls_cipher=AES-256-GCM

	case $2 in
	*128*) gnutls_cipher=AES-128-GCM ;;
	esac
	case $1 in
	TLSv1.2) curl_tls=(--tlsv1.2 --tls-max 1.2 --ciphers "$2") openssl_tls=(-tls1_2 -cipher "$2") ;;
	TLSv1.3) curl_tls=(--tlsv1.3 --tls13-ciphers "$2") openssl_tls=(-tls1_3 -ciphersuites "$2") ;;
	esac
	gnutls_priority="NORMAL:-VERS-ALL:+VERS-${1/v/}:-CIPHER-ALL:+$gnutls_cipher"
}

# OpenSSL opens TLS 1.3 records in the kernel since 3.2; before, those of TLS 1.2 only.
openssl_opens() {
	[ "$1" = TLSv1.2 ] || ! openssl version | grep -q '^OpenSSL 3\.[01]\.'
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' -keyout key.pem -out cert.pem 2> openssl.log
}

listens() {
	local hex
	printf -v hex '%04X' "$1"

	grep -q ":$hex 0*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# wait_until PATIENCE COMMAND...: tenths of a second.
wait_until() {
	local patience=$1
	shift

	until "$@"; do
		[ $((patience--)) -gt 0 ] || return 1
		sleep 0.1
	done
}

# serve PORT LOG COMMAND...
serve() {
	local port=$1 log=$2
	shift 2

	"$@" > "$log" 2>&1 &
	servers+=("$!")
	wait_until 200 listens "$port" || complain "${1##*/} does not listen: $(tail -n 1 "$log")"
}

stop_servers() {
	touch hangup
	[ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2> /dev/null || true
	wait
	rm -f hangup
	servers=()
}

start_nginx() {
	serve "$nginx_port" nginx.out nginx -p "$PWD/" -c nginx.conf -e nginx.log
}

has_bytes() {
	[ "$(stat -c %s "$1")" -ge "$2" ]
}

# feed FILE CONDITION...: the file, then silence: the end of their input would end the connection.
feed() {
	cat "$1"
	shift
	wait_until 900 "$@" || true
}

# start_s_server IN OUT [CONFIGURATION [OPTION...]]: one connection, raw bytes both ways.
start_s_server() {
	: > "$2"
	feed "$1" test -e hangup | OPENSSL_CONF=${3:-} timeout 90 openssl s_server -quiet -naccept 1 \
		-accept "127.0.0.1:$openssl_port" "${openssl_tls[@]}" -cert cert.pem -key key.pem "${@:4}" > "$2" 2> server.log &
	servers+=("$!")
	wait_until 200 listens "$openssl_port" || complain "s_server: $(tail -n 1 server.log)"
}

# start_reverser [CONFIGURATION]: what each line of the client is, backwards.
start_reverser() {
	feed /dev/null test -e hangup | OPENSSL_CONF=${1:-} timeout 90 openssl s_server -rev -naccept 1 \
		-accept "127.0.0.1:$openssl_port" "${openssl_tls[@]}" -cert cert.pem -key key.pem > server.log 2>&1 &
	servers+=("$!")
	wait_until 200 listens "$openssl_port" || complain "s_server: $(tail -n 1 server.log)"
}

start_gnutls_serv() {
	LD_LIBRARY_PATH=$gnutls GNUTLS_SYSTEM_PRIORITY_FILE=$PWD/gnutls.conf \
		serve "$gnutls_port" server.log "$gnutls/gnutls-serv" --echo --quiet \
		--port "$gnutls_port" --x509certfile cert.pem --x509keyfile key.pem --priority "$gnutls_priority"
}

# s_client PORT [OPTION...] < IN > OUT: it knows nothing of kernel TLS.
s_client() {
	local port=$1
	shift

	timeout 90 openssl s_client -connect "127.0.0.1:$port" "${openssl_tls[@]}" -CAfile cert.pem -verify_return_error \
		-verify_hostname localhost -brief -nocommands "$@" 2> client.log || complain "s_client: $(tail -n 1 client.log)"
}

# open_s_client PORT: with the commands that change keys. Whoever feeds it may find it gone.
open_s_client() {
	timeout 90 openssl s_client -connect "127.0.0.1:$1" "${openssl_tls[@]}" -CAfile cert.pem \
		-verify_return_error -verify_hostname localhost 2> client.log
}

# GnuTLS changes keys in the kernel since 3.8.10, where the kernel's number is one whose own tls could.
gnutls_changes_keys() {
	LD_LIBRARY_PATH=$gnutls "$gnutls/gnutls-cli" --version | head -n 1 | grep -qE ' (3\.8\.[1-9][0-9]|3\.(9|[1-9][0-9])|[4-9])'
}

# gnutls_cli PORT [OPTION...] < IN > OUT
gnutls_cli() {
	local port=$1
	shift

	LD_LIBRARY_PATH=$gnutls GNUTLS_SYSTEM_PRIORITY_FILE=$PWD/gnutls.conf \
		timeout 90 "$gnutls/gnutls-cli" --logfile client.log --x509cafile cert.pem \
		--verify-hostname localhost --port "$port" --priority "$gnutls_priority" "$@" 127.0.0.1 2> client.err ||
		complain "gnutls-cli: $(tail -n 1 client.err)"
}
