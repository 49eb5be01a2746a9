#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the demonstration on the machine this runs on, real or virtual: loads the module if it is not, gives the demonstration a
# network of its own and no privileges, and leaves the machine as it was.
# Must not know: what is demonstrated.
# Concurrency: one at a time if it has to load the module, else any number.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
module=${KTLSX_MODULE:-$here/../../kmod/ktlsx.ko}
loaded_here='' stage='' dependencies=()

die() { printf 'demo: FAILED: %s\n' "$*"; exit 1; }

# A connection that still says goodbye pins the module.
leave() {
	local patience=100

	[ -z "$stage" ] || rm -rf "$stage"
	[ -n "$loaded_here" ] || return 0
	while [ -d /sys/module/ktlsx ] && ! rmmod ktlsx 2> /dev/null; do
		[ $((patience--)) -gt 0 ] || die "the module stays loaded: $(grep '^ktlsx ' /proc/modules)"
		sleep 0.1
	done
	[ ${#dependencies[@]} = 0 ] || modprobe -r "${dependencies[@]}"
}

# insmod leaves what the module links with to its caller.
load_dependencies() {
	local name

	while read -r -d, name; do
		[ -d "/sys/module/${name//-/_}" ] || { modprobe "$name"; dependencies+=("$name"); }
	done < <(modinfo -F depends "$module" | tr '\n' ',')
}

load() {
	local built

	[ -f "$module" ] || die "no module: make module"
	built=$(modinfo -F vermagic "$module" | cut -d' ' -f1)
	[ "$built" = "$(uname -r)" ] || die "this kernel is $(uname -r), the module is for $built: make module"
	[ "$(id -u)" = 0 ] || die "only root can load a module: sudo insmod $module"
	load_dependencies
	insmod "$module"
	loaded_here=yes
}

# A folder that also somebody without rights can read; the clone may be in a private one.
make_stage() {
	stage=$(mktemp -d)
	mkdir "$stage/gnutls"
	cp "$here"/*.{sh,conf,cnf} "$stage/"
	cp "${KTLSX_DEMO_GNUTLS:-$here/gnutls}"/[gl]* "$stage/gnutls/"
	cp "${KTLSX_DEMO_COMMAND:-$here/ktlsx}" "$stage/ktlsx"
	chmod -R a+rX "$stage"
}

# A program with no more rights than nobody, in a network with nothing but a loopback device.
demonstrate() {
	if [ "$(id -u)" = 0 ]; then
		unshare --net sh -c 'ip link set lo up && exec "$@"' - \
			setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
			bash "$stage/demo.sh"
	else
		unshare --user --map-root-user --net sh -c 'ip link set lo up && exec "$@"' - \
			unshare --user --map-user="$(id -u)" --map-group="$(id -g)" bash "$stage/demo.sh"
	fi
}

PATH=$PATH:/usr/sbin:/sbin
for program in nginx curl openssl gnutls-cli setpriv unshare ip modinfo; do
	command -v $program > /dev/null || die "no $program here (packages nginx curl openssl gnutls-bin util-linux iproute2 kmod)"
done
[ ! -d /sys/module/tls ] || die 'the in-tree module tls is loaded, and keeps the name'
trap leave EXIT
[ -d /sys/module/ktlsx ] || load
grep -qw tls /proc/sys/net/ipv4/tcp_available_ulp || die 'ktlsx does not have the name tls: see own_tls'
make_stage
demonstrate
