# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: what the command line may say, and files that are not what they should be.
# Must not know: connections.
# Concurrency: none.
# shellcheck disable=SC2154 # ktlsx and port are the caller's

# wrong WORDS ARGUMENT...: is refused in those words, with the place of help.
wrong() {
	local words=$1
	shift

	run "$ktlsx" "$@"
	expect 2 "$words" 'see: ktlsx help'
}

test_help() {
	local verb option

	run "$ktlsx" help
	expect 0
	for verb in doctor connect accept ciphers stat; do
		says out "$verb"
		run "$ktlsx" help $verb
		expect 0
		says out "usage: ktlsx $verb"
		run "$ktlsx" $verb --help
		expect 0
		run "$ktlsx" help
	done
	run "$ktlsx" help connect
	for option in --get --output --name --trust --pin --insecure-no-verify --cert --key --alpn --tls12 --tls13 --suites \
		--groups --timeout --keylog --fallback --session --ignore-eof --json --quiet; do
		says out "$option"
	done
	run "$ktlsx" --version
	expect 0
	says out ktlsx OpenSSL
	run "$ktlsx"
	expect 2 usage
}

test_usage() {
	run "$ktlsx" nonsense
	expect 2 'no verb nonsense'
	wrong 'no option --nonsense' connect localhost:1 --nonsense
	wrong 'no option --nonsense' accept --nonsense
	wrong 'no option --nonsense' doctor --nonsense
	wrong 'no option --nonsense' ciphers --nonsense
	wrong 'no option --nonsense' stat --nonsense
	wrong 'needs an argument' connect localhost:1 --trust
	wrong 'too much' doctor x
	wrong 'too much' ciphers x
	wrong 'too much' stat x
	wrong 'from 1 to' stat -w 0
	wrong 'goes with -w' stat -n 2
}

test_usage_connect() {
	local target

	wrong 'HOST:PORT is missing' connect
	for target in localhost localhost: :443 ::1:443 '[::1:443' 'a:b:c' 'localhost:4 4'; do
		wrong 'is not HOST:PORT' connect "$target"
	done
	wrong 'one HOST:PORT only' connect localhost:1 localhost:2
	wrong 'begins with /' connect localhost:1 --get file
	wrong 'no blanks' connect localhost:1 --get '/a b'
	wrong 'no blanks' connect localhost:1 --get $'/a\r\nHost: b'
	wrong 'goes with --get' connect localhost:1 -o file
	wrong 'SHA-256' connect localhost:1 --pin 1234
	wrong 'SHA-256' connect localhost:1 --pin "$(printf '%064d' 0)0"
	wrong 'from 1 to' connect localhost:1 --timeout 0
	wrong 'from 1 to' connect localhost:1 --timeout -1
	wrong 'from 1 to' connect localhost:1 --timeout 1x
	wrong 'goes with --cert' connect localhost:1 --key server.key
	wrong 'does not go with' connect localhost:1 --insecure-no-verify --trust ca.pem
}

test_usage_accept() {
	wrong 'PORT or ADDRESS:PORT is missing' accept --cert both.pem
	wrong 'is not PORT' accept '[::1' --cert both.pem
	wrong 'needs --cert' accept "$port"
	wrong 'do not go together' accept "$port" --cert both.pem --file content --exec cat
	wrong 'goes with --file' accept "$port" --cert both.pem --raw
	wrong 'needs --client-ca' accept "$port" --cert both.pem --require-client-cert
	wrong 'does not go with --fallback' accept "$port" --cert both.pem --fallback --exec cat
	wrong 'from 1 to' accept "$port" --cert both.pem --count 0
	wrong 'one PORT only' accept "$port" 4434 --cert both.pem
}

test_files() {
	run "$ktlsx" accept "$port" --cert missing.pem
	expect 9 missing.pem
	run "$ktlsx" accept "$port" --cert server.pem --key missing.key
	expect 9 missing.key
	run "$ktlsx" accept "$port" --cert content
	expect 2 content
	run "$ktlsx" accept "$port" --cert server.pem --key other.key
	expect 2 server.pem 'belong together'
	run "$ktlsx" accept "$port" --cert both.pem --file missing
	expect 9 'cannot read missing: No such file'
	run "$ktlsx" accept "$port" --cert both.pem --file .
	expect 9 'not a regular file'
	run "$ktlsx" connect "localhost:$port" --trust missing.pem
	expect 9 missing.pem
	run "$ktlsx" connect "localhost:$port" --trust content
	expect 2 content
	ln -s elsewhere log
	run "$ktlsx" connect "localhost:$port" --keylog log
	expect 9 ELOOP
	[ ! -e elsewhere ] || complain 'the key log went through a symbolic link'
}

test_suites_and_groups() {
	run "$ktlsx" connect "localhost:$port" --suites nonsense
	expect 2 nonsense
	run "$ktlsx" connect "localhost:$port" --suites TLS_CHACHA20_POLY1305_SHA256
	expect 2 TLS_CHACHA20_POLY1305_SHA256
	run "$ktlsx" connect "localhost:$port" --groups nonsense
	expect 2 nonsense
	run "$ktlsx" connect "localhost:$port" --alpn ''
	expect 2
}
