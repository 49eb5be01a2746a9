# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Owns: the verbs that look at the machine: doctor, ciphers, stat.
# Must not know: how they find out.
# Concurrency: none.
# shellcheck disable=SC2154 # ktlsx and status are the caller's

as_nobody() {
	chmod 755 "$work" "$work"/*
	cp "$ktlsx" ./ktlsx
	chmod 755 ktlsx
	run setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$@"
}

test_ciphers() {
	run "$ktlsx" ciphers
	expect 0
	says out TLS_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 ECDHE-RSA-AES256-GCM-SHA384 \
		'no: The kernel module has ChaCha20-Poly1305, this library does not offer it yet.'
	run "$ktlsx" ciphers --json
	expect 0
	is_json out
	says out '"openssl_name":"ECDHE-ECDSA-AES128-GCM-SHA256"' '"id":4865'
	# A reader that goes away is no crash.
	run bash -c '"$0" ciphers | head -n 1' "$ktlsx"
	expect 0
}

test_without_module_looks() {
	run "$ktlsx" ciphers
	says out 'not now' 'modprobe ktlsx'
	run "$ktlsx" stat
	expect 6 'modprobe ktlsx'
	run "$ktlsx" doctor
	expect 1
	says out 'is not loaded' 'modprobe ktlsx' '2 problems'
	run "$ktlsx" doctor --json
	expect 1
	is_json out
	says out '"topic":"module"' '"level":"problem"' '"remedy"' '"problem":2'
	[ ! -d /sys/module/ktlsx ] || complain 'doctor loaded the module'
}

test_with_module_stat() {
	run "$ktlsx" stat
	expect 0
	says out CurrTx TxSendBytes RxRecvBytes
	run "$ktlsx" stat -w 1 -n 2
	expect 0
	says out 'PER SECOND'
	run "$ktlsx" stat -w1 -n 2 --json
	expect 0
	is_json out
	[ "$(wc -l < out)" = 2 ] || complain 'not two looks'
	says out '"per_second"' '"TxSendBytes":'
}

test_with_module_doctor() {
	run "$ktlsx" doctor
	expect 0
	says out ' 0 problems' 'aes-256-gcm' 'the ULP tls is ours' 'counted by the kernel'
	as_nobody ./ktlsx doctor
	expect 0
	says out 'user 65534 may attach'
	run "$ktlsx" doctor --json
	expect 0
	is_json out
	run "$ktlsx" ciphers
	! grep -q 'not now' out || complain 'the module should have all that the library offloads'
}

test_with_module_doctor_name_given_back() {
	echo 0 > /sys/module/ktlsx/parameters/own_tls
	run "$ktlsx" doctor
	echo 1 > /sys/module/ktlsx/parameters/own_tls
	expect 0
	says out 'warning  tls-name' 'own_tls'
}

test_doctor_memlock() {
	as_nobody bash -c 'ulimit -l 0; exec ./ktlsx doctor'
	expect 1
	says out 'problem  memlock' LimitMEMLOCK
	as_nobody bash -c 'ulimit -l 0; exec ./ktlsx connect localhost:1'
	expect 6 'ulimit -l'
}
