# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: the verb accept, against curl, openssl and the verb connect.
# Must not know: what connect does beyond fetching.
# Concurrency: one server, one client.
# shellcheck disable=SC2154 # port, status, fallback and pids are the caller's
# shellcheck disable=SC2094 # a file that grows is looked at, not read, while it is written

fetch_by_curl() {
	run curl --silent --show-error --max-time 50 --cacert ca.pem "$@" "https://localhost:$port/any/path"
}

s_client() {
	run openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -verify_return_error -quiet
}

# Ends when the server does.
silent_client() {
	openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -quiet < <(exec sleep 20) > /dev/null 2>&1 &
}

test_port_taken() {
	accept --file content
	run "$ktlsx" accept "127.0.0.1:$port" --cert both.pem
	expect 3 'another program has that port'
	run "$ktlsx" accept "192.0.2.1:$port" --cert both.pem
	expect 3 'does not have that address'
}

test_file_over_http() {
	accept --file content --count 5
	fetch_by_curl --tlsv1.2 --tls-max 1.2
	expect 0
	is_same content out
	fetch_by_curl --tlsv1.3
	expect 0
	is_same content out
	fetch_by_curl --head
	expect 0
	says out "Content-Length: $(stat -c %s content)"
	fetch_by_curl --data x --write-out '%{http_code}'
	says out 405
	connect --get /whatever -o got
	expect 0
	is_same content got
	accept_ends 0 'over HTTP' "$(stat -c %s content) bytes"
}

test_file_bare() {
	accept --file content --raw --once
	s_client
	expect 0
	is_same content out
	accept_ends 0
	# A client that says something else, and one that says nothing.
	accept --file content --count 2
	echo 'what have you got?' > question
	input=question s_client
	is_same content out
	s_client
	is_same content out
	accept_ends 0
	: > empty
	accept --file empty --once
	connect --get / -o got
	expect 0
	is_same empty got
	accept_ends 0
}

# It would end properly, and the client would take it for whole.
test_file_that_shrinks() {
	truncate -s 200000000 big
	accept --file big --raw --once
	(timeout 60 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -quiet 2> err | (until_true 300 test -e go; cat > out)) &
	until_true 300 grep -q TLSv1 server.log
	sleep 0.5
	: > big
	touch go
	wait $! || true
	accept_ends 9 'became shorter'
}

# One that fails does not stop the next.
test_handshake_fails() {
	accept --file content --count 3
	(exec {plain}<> "/dev/tcp/127.0.0.1/$port"; printf 'GET / HTTP/1.0\r\n\r\n' >&"$plain"; cat <&"$plain") > /dev/null 2>&1 || true
	run curl --silent --max-time 20 --cacert other.pem "https://localhost:$port/"
	[ "$status" != 0 ] || complain 'curl trusts anybody'
	fetch_by_curl
	expect 0
	is_same content out
	accept_ends 4 'without TLS' unknown_ca
}

test_client_certificates() {
	accept --client-ca ca.pem --require-client-cert --file content --count 3
	fetch_by_curl --tlsv1.2 --tls-max 1.2
	[ "$status" != 0 ] || complain 'a client without certificate got the file'
	fetch_by_curl --tlsv1.3
	[ "$status" != 0 ] || complain 'a client without certificate got the file'
	fetch_by_curl --cert client.pem --key client.key
	expect 0
	is_same content out
	accept_ends 5 'sent no certificate'
	accept --client-ca ca.pem --file content --once
	fetch_by_curl
	expect 0
	accept_ends 0
}

test_accept_talks() {
	echo 'from the server' > said
	(input=said accept --once --ignore-eof; wait "${pids[-1]}")  &
	until_true 100 listens "$port"
	(echo 'from the client'; until_true 100 test -s answer) |
		timeout 60 "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --trust ca.pem > answer 2> err ||
		complain "connect: $(tail -n 1 err)"
	wait $! || complain "accept: $(tail -n 1 server.log)"
	is_same said answer
	[ "$(cat server.out)" = 'from the client' ] || complain "the server heard '$(cat server.out)'"
}

# The client changes its keys and asks for ours to change; a plain read cannot, so the command must.
test_key_update() {
	mkfifo said
	(until_true 300 grep -q after server.out; echo reply) > said &
	input=said accept --once --tls13
	(echo before; until_true 100 grep -q before server.out; echo K; sleep 1; echo after; until_true 100 grep -q reply out) |
		timeout 60 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem > out 2> err || complain "s_client: $(tail -n 1 err)"
	accept_ends 0
	says err KEYUPDATE
	says server.out before after
	says out reply
}

test_accept_json() {
	accept --file content --once --json
	connect --get / -o got
	accept_ends 0 '"event":"listening"' '"event":"connected"' '"event":"sent"' '"http":true'
	is_json server.log
}

# While it waits, and while a client is there and silent.
test_stop() {
	local signal

	for signal in INT TERM; do
		accept --file content
		kill -$signal "${pids[-1]}"
		accept_ends 0
		accept
		silent_client
		until_true 100 grep -q TLSv1 server.log
		kill -$signal "${pids[-1]}"
		accept_ends 0
	done
}

# What a program finds in its environment, and that it finds nothing else.
test_with_module_exec_environment() {
	accept --client-ca ca.pem --once --exec sh -c 'env; ls -l /proc/self/fd; cat > heard'
	(echo 'to the program'; until_true 100 grep -q socket: out) |
		timeout 60 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -servername localhost -cert client.pem \
		-key client.key -brief -nocommands > out 2> err || complain "s_client: $(tail -n 1 err)"
	accept_ends 0
	says out REMOTE_ADDR=127.0.0.1 REMOTE_PORT= SSL_PROTOCOL=TLSv1.3 SSL_CIPHER=TLS_ SSL_SERVER_NAME=localhost \
		'SSL_CLIENT_S_DN=CN=A client,O=Tests,C=DE'
	says heard 'to the program'
	[ "$(grep -c socket: out)" = 2 ] || complain "the program has $(grep -c socket: out) sockets, not 2"
}

test_with_module_exec_fails() {
	accept --count 3 --exec sh -c 'exit 3'
	s_client
	s_client
	s_client
	accept_ends 10 'status 3'
	accept --once --exec ./missing
	s_client
	accept_ends 10 'cannot run ./missing'
	accept --once --exec sh -c 'kill -9 $$'
	s_client
	accept_ends 10 SIGKILL
}

# A stop reaches the program as well.
test_with_module_exec_stop() {
	accept --exec sleep 60
	silent_client
	until_true 100 grep -q TLSv1 server.log
	sleep 0.5
	kill -TERM "${pids[-1]}"
	accept_ends 0
}

test_without_module_exec() {
	fallback=()
	accept --once --exec cat
	s_client
	accept_ends 6 'modprobe ktlsx'
	fallback=(--fallback)
}
