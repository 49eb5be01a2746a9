# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: what the command meets in its tests: certificates, servers of OpenSSL, servers that speak no TLS.
# Must not know: what is tested.
# Concurrency: servers in the background, their pids in the list of the caller, which stops them.
# shellcheck disable=SC2154 # port, pids, ktlsx and fallback are the caller's

openssl_quietly() {
	openssl "$@" > /dev/null 2>> openssl.log || { cat openssl.log >&2; return 1; }
}

# signed NAME SUBJECT EXTENSION DAYS: a key and a certificate of our authority.
signed() {
	openssl_quietly req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
	echo "$3" > extension
	openssl_quietly x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$4" -out "$1.pem" \
		-extfile extension
}

# In the current folder; nothing of it is secret, nor longer there than the tests.
make_pki() {
	local names='subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'

	openssl_quietly req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=authority' \
		-keyout ca.key -out ca.pem
	signed server /CN=localhost "$names" 2
	signed expired /CN=localhost "$names" -1
	signed other /CN=elsewhere.example 'subjectAltName=DNS:elsewhere.example' 2
	signed client '/C=DE/O=Tests/CN=A client' 'extendedKeyUsage=clientAuth' 2
	cat server.pem server.key > both.pem
	head -c 3000017 /dev/urandom > content
}

pin_of() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1
}

listens() {
	local hex
	printf -v hex '%04X' "$1"

	grep -q ":$hex 0*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# until_true PATIENCE COMMAND...: tenths of a second.
until_true() {
	local patience=$1
	shift

	until "$@"; do
		[ $((patience--)) -gt 0 ] || { complain "never: $*"; return 0; }
		sleep 0.1
	done
}

# background COMMAND...: until it listens on the port; output in server.out, server.log.
background() {
	"$@" > server.out 2> server.log < "${input:-/dev/null}" &
	pids+=("$!")
	until_true 100 listens "$port"
}

s_server() {
	background openssl s_server -accept "127.0.0.1:$port" -cert server.pem -key server.key "$@"
}

# accept OPTION...: ktlsx as server, its records as this machine has them.
accept() {
	background "$ktlsx" accept "127.0.0.1:$port" "${fallback[@]}" --cert server.pem --key server.key "$@"
}

# accept_ends STATUS [WORDS...]: by itself.
accept_ends() {
	local ended=0

	wait "${pids[-1]}" || ended=$?
	unset 'pids[-1]'
	[ "$ended" = "$1" ] || { complain "ktlsx accept: status $ended, not $1:"; tail -n 5 server.log | diag; }
	shift
	says server.log "$@"
}

# tls_sender FILE: sends it over TLS, and neither closes nor reads.
tls_sender() {
	openssl s_server -quiet -naccept 1 -accept "127.0.0.1:$port" -cert server.pem -key server.key \
		< <(cat "$1"; exec sleep 20) > /dev/null 2>&1 &
	pids+=("$!")
	until_true 100 listens "$port"
}

# A server that says one line of plain text, or nothing, and holds the line.
plain_server() {
	local text=${1:-}

	if command -v perl > /dev/null; then
		# shellcheck disable=SC2016 # Perl's variables
		background perl -MIO::Socket::INET -e 'my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift,
			Listen => 1, ReuseAddr => 1) or die; my $c = $l->accept; syswrite $c, shift; 1 while sysread $c, my $b, 4096' \
			"$port" "$text"
	else
		input=<(printf '%s' "$text"; sleep 20) background nc -l -p "$port"
	fi
}

# connect OPTION...: ktlsx as client, verified.
connect() {
	run "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --trust ca.pem "$@"
}
