#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: a disk by NVMe/TCP and a file system by NFS, each served and used on this machine, over TLS sockets that the kernel itself
# reads and writes; whether the bytes arrive, and whether it was ktlsx that carried them.
# Must not know: how TLS is done: the kernel asks tlshd for a handshake, which gives the socket its keys.
# Concurrency: one at a time, in a guest of its own: it mounts, and configures the kernel's servers.
# Specification: NVMe/TCP Transport Specification 1.0 section 3.6.1 (pre-shared keys); RFC 9289 (RPC with TLS, certificates).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=selftests/demo/counters.sh
source "$here/counters.sh"

data_len=8388608
host=nqn.2014-08.org.nvmexpress:uuid:7bd55efe-8a5a-4bd0-9ef7-0f2d4bd0c4a1
disk=nqn.2026-11.example:disk
nvmet=/sys/kernel/config/nvmet
test_count=0 failed=0

start_tlshd() {
	chmod 600 "$here/key.pem"
	cat > /tmp/tlshd.conf <<-END
		[authenticate.client]
		x509.truststore=$here/cert.pem
		[authenticate.server]
		x509.truststore=$here/cert.pem
		x509.certificate=$here/cert.pem
		x509.private_key=$here/key.pem
	END
	tlshd -s -c /tmp/tlshd.conf > /tmp/tlshd.log 2>&1 &
}

# wait_for SECONDS COMMAND...
wait_for() {
	local patience=$((10 * $1))

	shift
	until "$@"; do
		[ $((patience--)) -gt 0 ] || { echo "# in vain: $*"; return 1; }
		sleep 0.1
	done
}

serve_disk() {
	truncate -s 64M /tmp/disk
	mkdir "$nvmet/subsystems/$disk" "$nvmet/hosts/$host" "$nvmet/ports/1"
	ln -s "$nvmet/hosts/$host" "$nvmet/subsystems/$disk/allowed_hosts/"
	mkdir "$nvmet/subsystems/$disk/namespaces/1"
	cd "$nvmet/subsystems/$disk/namespaces/1"
	echo -n /tmp/disk > device_path
	echo 1 > buffered_io
	echo 1 > enable
	cd "$nvmet/ports/1"
	echo tcp > addr_trtype
	echo ipv4 > addr_adrfam
	echo 127.0.0.1 > addr_traddr
	echo 4420 > addr_trsvcid
	echo tls1.3 > addr_tsas
	echo required > addr_treq
	ln -s "$nvmet/subsystems/$disk" subsystems/
	cd /
}

use_disk() {
	nvme gen-tls-key --subsysnqn=$disk --hostnqn=$host --hmac=1 --identity=1 --insert > /dev/null
	nvme connect -t tcp -a 127.0.0.1 -s 4420 -n $disk -q $host --tls -i 2
	wait_for 20 test -b /dev/nvme0n1
	dd if=/tmp/data of=/dev/nvme0n1 bs=1M oflag=direct status=none
	dd if=/dev/nvme0n1 of=/tmp/back bs=1M iflag=direct,count_bytes count=$data_len status=none
	nvme disconnect -n $disk
	rm "$nvmet/ports/1/subsystems/$disk"
	cmp /tmp/data /tmp/back
	cmp -n $data_len /tmp/data /tmp/disk
}

nvme_tcp() {
	mount -t configfs configfs /sys/kernel/config
	serve_disk
	use_disk
}

serve_files() {
	mkdir -p /export /etc/exports.d /run/lock /var/lib/nfs/v4recovery
	mount -t tmpfs tmpfs /export
	mount -t nfsd nfsd /proc/fs/nfsd
	echo '/export *(rw,fsid=0,insecure,no_root_squash,no_subtree_check,xprtsec=tls)' > /etc/exports
	touch /var/lib/nfs/etab
	exportfs -a
	rpc.mountd -N 3
	# no client from before is waited for long
	rpc.nfsd -N 3 -V 4.2 -G 10 -L 10 2
}

use_files() {
	mkdir -p /mnt
	mount -t nfs -o vers=4.2,xprtsec=tls localhost:/ /mnt
	dd if=/tmp/data of=/mnt/file bs=1M conv=fsync status=none
	dd if=/mnt/file of=/tmp/back bs=1M iflag=direct status=none
	umount /mnt
	rpc.nfsd 0
	cmp /tmp/data /tmp/back
	cmp /tmp/data /export/file
}

nfs() {
	serve_files
	use_files
}

# Written and read back: twice the data, sealed and opened here, and perhaps what the kernel's two ends say besides.
account() {
	local sealed opened

	stop_counting
	sealed=$(($(delta TxSendBytes) + $(delta TxSendfileBytes)))
	opened=$(($(delta RxRecvBytes) + $(delta RxSpliceBytes)))
	[ $sealed -ge $((2 * data_len)) ] || complain "$sealed bytes were sealed, of $((2 * data_len)) at least"
	[ $opened -ge $((2 * data_len)) ] || complain "$opened bytes were opened, of $((2 * data_len)) at least"
	echo "# $1: $sealed bytes sealed in $(($(delta TxSendRecords) + $(delta TxSendfileRecords))) records, $opened opened; sockets with keys: $(delta TotalTx)"
}

# A function that is asked whether it failed does not stop at the first command that does: so another shell asks it.
run_test() {
	test_count=$((test_count + 1))
	start_counting
	if ! timeout 240 bash "$here/storage.sh" "$1"; then
		complain "$1 failed"
		cat /tmp/tlshd.log
		dmesg | tail -n 20
	fi
	account "$1"
	if [ -z "$complaints" ]; then
		echo "ok $test_count $1"
	else
		echo "not ok $test_count $1 # $complaints"
		failed=$((failed + 1))
	fi
}

if [ $# = 1 ]; then
	"$1"
	exit
fi
for module in nvme-tcp nvmet-tcp nfs nfsv4 nfsd; do
	/modules/modprobe $module
done
ip link set lo up
head -c $data_len /dev/urandom > /tmp/data
start_tlshd
run_test nvme_tcp
run_test nfs
echo "$((test_count - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
