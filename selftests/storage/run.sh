#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: `make vm-storage`: the consumers that stock kernels have for TLS sockets, in a guest with the programs of its release.
# Must not know: what they are asked to do.
# Concurrency: any number at once.
# run.sh KERNEL: one whose release has tlshd, which makes the handshakes. Ends with "N passed, N failed, N skipped".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages='bash coreutils diffutils grep iproute2 keyutils kmod ktls-utils nfs-common nfs-kernel-server nvme-cli util-linux'

! grep -qE "^$1[[:space:]]+bookworm" "$here/../vm/kernels" || { echo "storage: tlshd (ktls-utils) comes with Debian 13 first: KERNEL=7.3"; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/storage"
cp "$here"/*.sh "$here/../demo/counters.sh" "$root/storage/"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$root/storage/key.pem" -out "$root/storage/cert.pem" 2> /dev/null
"$here/../vm/run.sh" --root "$root" --packages "$packages" --modules 'nvme-tcp nvmet-tcp nfs nfsv4 nfsd' --run /storage/storage.sh \
	--timeout 900 "$1"
