# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: the verb connect, against servers of OpenSSL that are right, wrong, or cut.
# Must not know: the server side of the command.
# Concurrency: one server at a time.
# shellcheck disable=SC2154 # port, status and work are the caller's
# shellcheck disable=SC2034 # and status is read there
# shellcheck disable=SC2094 # a file that grows is looked at, not read, while it is written

test_network() {
	run "$ktlsx" connect "127.0.0.1:$port"
	expect 3 refused 'nothing listens'
	run "$ktlsx" connect "nothing.invalid:$port"
	expect 3 nothing.invalid
	run "$ktlsx" connect "127.0.0.1:$port" --json
	expect 3 '"event":"error"' '"status":3'
	is_json err
}

test_not_tls() {
	plain_server '220 mail.example ESMTP hello there'
	connect
	expect 4 'without TLS'
}

test_silent_server() {
	local began=$SECONDS

	plain_server
	connect --timeout 1
	expect 4 ETIMEDOUT
	[ $((SECONDS - began)) -le 8 ] || complain 'a timeout of 1 s took longer than 8'
}

test_get() {
	local version

	for version in --tls12 --tls13; do
		s_server -WWW
		echo old > got
		connect $version --get /content -o got
		expect 0 '200'
		is_same content got
		[ ! -e got.part ] || complain 'got.part is still there'
		connect $version --get /content --quiet
		expect 0
		is_same content out
		[ ! -s err ] || complain 'not quiet'
		stop_servers
	done
}

test_get_to_a_device() {
	s_server -WWW
	connect --get /content -o /dev/null
	expect 0
	[ -c /dev/null ] || complain '/dev/null is no device any more'
	run bash -c '"$0" "$@" >> appended' "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --trust ca.pem --get /content
	expect 0
	is_same content appended
	connect --get /content -o nowhere/file
	expect 9 nowhere/file
}

test_get_json() {
	s_server -WWW
	connect --get /content -o got --json
	expect 0 '"event":"connected"' '"event":"fetched"' "\"bytes\":$(stat -c %s content)" '"http_status":200'
	is_json err
	is_same content got
}

# openssl's -HTTP sends a file as the whole answer, its head included.
test_get_wrong_answers() {
	printf 'HTTP/1.0 404 Not\033Found\r\n\r\n' > missing
	printf 'SSH-2.0-nonsense\r\n' > ssh
	printf 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' > coded
	printf 'HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nshort' > short
	printf 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nlonger' > long
	printf 'HTTP/1.0 200 OK\r\n' > headless
	s_server -HTTP
	connect --get /missing -o got
	expect 8 '404 Not?Found'
	connect --get /ssh -o got
	expect 8 'not HTTP'
	connect --get /coded -o got
	expect 8 Transfer-Encoding
	connect --get /headless -o got
	expect 8 'closed before'
	[ ! -e got ] || complain 'something was kept'
	connect --get /short -o got
	expect 7 '5 of 100 bytes' got.part
	[ ! -e got ] || complain 'half a file got its name'
	[ "$(cat got.part)" = short ] || complain 'got.part is not what came'
	connect --get /long -o got
	expect 0
	[ "$(cat got)" = longe ] || complain 'more than the announced length was kept'
}

# Without Content-Length only close_notify says that it is whole.
test_get_cut() {
	local client

	(printf 'HTTP/1.0 200 OK\r\n\r\n'; cat content) > answer
	tls_sender answer
	timeout 60 "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --trust ca.pem --get /x -o got > out 2> err &
	client=$!
	until_true 200 has_all got.part
	kill -9 "${pids[0]}"
	wait "${pids[0]}" 2> /dev/null || true
	status=0
	wait $client || status=$?
	expect 7 EPROTO got.part
	[ ! -e got ] || complain 'a file that was cut got its name'
}

has_all() {
	[ "$(stat -c %s "$1" 2> /dev/null)" = "$(stat -c %s content)" ]
}

test_verification() {
	s_server -WWW
	run "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --get /content
	expect 5
	connect --name elsewhere.example --get /content
	expect 5
	connect --name localhost --get /content
	expect 0
	run "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --insecure-no-verify --get /content
	expect 0
	run "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --pin "$(pin_of server.pem)" --get /content
	expect 0
	run "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" --pin "$(pin_of other.pem)" --get /content
	expect 5
	stop_servers
	cp expired.pem server.pem
	cp expired.key server.key
	s_server -WWW
	connect --get /content
	expect 5 expired
}

test_client_certificate() {
	s_server -WWW -Verify 1 -CAfile ca.pem -verify_return_error
	connect --tls12 --get /content
	expect 4
	connect --tls13 --get /content
	expect 7 'certificate_required'
	connect --cert client.pem --key client.key --get /content
	expect 0
	is_same content out
}

test_versions() {
	s_server -WWW -tls1_2
	connect --tls13 --get /content
	expect 4 protocol_version
	connect --tls12 --suites ECDHE-ECDSA-AES256-GCM-SHA384 --groups P-384:P-256 --get /content
	expect 0 TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 secp384r1
	stop_servers
	s_server -WWW -tls1_3 -alpn h2,http/1.1
	connect --alpn http/1.1 --get /content
	expect 0 'ALPN http/1.1'
}

test_session() {
	local version

	for version in --tls12 --tls13; do
		s_server -WWW
		connect $version --session session --get /content
		expect 0
		[ "$(stat -c %a session)" = 600 ] || complain 'the session is for everybody'
		connect $version --session session --get /content
		expect 0 resumed
		stop_servers
		rm session
	done
	echo nonsense > session
	s_server -WWW
	connect --session session --get /content
	expect 9 session
}

test_keylog() {
	s_server -WWW
	SSLKEYLOGFILE=$PWD/environment connect --get /content
	[ ! -e environment ] || complain 'the environment alone makes a key log'
	connect --keylog log --get /content
	expect 0
	says log CLIENT_TRAFFIC_SECRET_0
	[ "$(stat -c %a log)" = 600 ] || complain 'the key log is for everybody'
	! grep -qiE "$(sed -n 's/.* //p' log | paste -sd'|')" out err || complain 'a secret was printed'
}

# -rev sends each line back, reversed, until the client closes.
test_talk() {
	local version

	for version in --tls12 --tls13; do
		s_server -rev
		echo 'hello there' > line
		(cat line; until_true 100 test -s answer) | timeout 60 "$ktlsx" connect "127.0.0.1:$port" "${fallback[@]}" \
			--trust ca.pem $version > answer 2> err || complain "talking: $(tail -n 1 err)"
		[ "$(cat answer)" = 'ereht olleh' ] || complain "the answer is '$(cat answer)'"
		stop_servers
	done
}
