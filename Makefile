# SPDX-License-Identifier: MIT
#
# Owns: the door: one target for each thing a person wants, each a line or two that calls the place where it is done.
# Must not know: how anything is done.
# Concurrency: none; the things behind the door may run at once.
# `make help` lists the targets.

# `make vm SHELL=1` is asked of us, but SHELL is make's own.
ifeq ($(origin SHELL),command line)
WANT_SHELL := $(SHELL)
endif
override SHELL := /bin/bash
MAKEOVERRIDES =

KERNEL ?= 6.1
T ?=
W ?=
DEBUG ?=
SUITE ?= 7.3
PART ?= 1/1
WITHOUT ?=
INTREE ?=
# 72 MB through SM4-CCM: an emulated CPU needs ten to twenty minutes for each of these six.
SLOWEST = *sm4_ccm.mutliproc_*
FORMAT ?= text
DESTDIR ?=
RUNNING = /lib/modules/$(shell uname -r)/build
KERNELS = $(shell sed -n 's/^\([0-9][^[:space:]]*\).*/\1/p' selftests/vm/kernels)

need = @bash selftests/packages.sh
vm = selftests/vm/run.sh
# Headers: those asked for (KDIR or KERNEL), else the running kernel's, else those of the default kernel.
asked = $(or $(KDIR),$(if $(filter file,$(origin KERNEL)),$(wildcard $(RUNNING))))
kdir = kdir=$(or $(asked),$$(selftests/vm/image.sh headers $(KERNEL))) && \
	{ [ -d "$$kdir" ] || { echo "no kernel headers in $$kdir"; exit 1; }; } &&

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: ## nginx, curl, OpenSSL and GnuTLS through the module, in the VM: KERNEL (7.3: Debian 13's programs); HOST=1: on this machine
	$(need) demo
	@HOST=$(HOST) KERNEL=$(KERNEL) selftests/demo/run.sh

test: ## everything for the default kernel
	@bash selftests/test.sh check handshake style vm vm-upstream "uml T=upstream" vm-handshake

test-all: ## the tests in VMs of all kernels, ours and the kernel's own: hours where the CPU is emulated (root only)
	@bash selftests/test.sh --each $(KERNELS) -- vm $(foreach suite,7.3 6.12,$(foreach part,1/3 2/3 3/3,"upstream SUITE=$(suite) PART=$(part) WITHOUT=$(SLOWEST)"))

vm: ## the tests in a VM: KERNEL=6.1|6.12|7.3, T=program[:test], SHELL=1 for a shell in it
	$(need) vm
	@$(MAKE) --no-print-directory -s -C selftests all
	@SHELL_IN_GUEST=$(WANT_SHELL) $(vm) $(KERNEL) '$(T)'

upstream: ## the kernel's own TLS tests on our module, in a VM: KERNEL, SUITE=7.3|6.12, PART=n/m, T and WITHOUT=pattern, INTREE=1 (root only)
	$(need) vm
	@selftests/upstream/run.sh --suite $(SUITE) --part $(PART) --without '$(WITHOUT)' $(if $(INTREE),--in-tree) $(KERNEL) '$(T)'

vm-upstream: ## a fifth of them, without the slowest
	@$(MAKE) --no-print-directory upstream PART=1/5 WITHOUT='$(SLOWEST)'

check: ## the record crypto and codec in userspace
	$(need) check
	@$(MAKE) --no-print-directory -C selftests/crypto check

uml: ## the tests inside a kernel on this CPU: User-Mode Linux, built once; T=program[:test], DEBUG=1: with KASAN, lockdep, kmemleak
	$(need) uml
	@$(MAKE) --no-print-directory -s -C selftests all
	@DEBUG=$(DEBUG) selftests/uml/run.sh '$(T)'

vm-debug: ## races on two CPUs in a debug kernel, built once: T=program[:test]
	$(need) vm-debug
	@$(MAKE) --no-print-directory -s -C selftests all
	@selftests/debug/run.sh '$(T)'

crypto-kernels: ## the record crypto against all kernels: warnings, objtool, stack frames; roots of packages in the cache (root only)
	@selftests/engines/kernels.sh

handshake: ## the helper library here, the kernel simulated: T=program[:test]; sanitizers, valgrind, fuzzers
	$(need) handshake
	@selftests/handshake/native.sh '$(T)'

vm-storage: ## NVMe/TCP and NFS over TLS in a VM, the kernel's own at both ends: KERNEL=7.3 (root only)
	$(need) vm vm-storage
	@selftests/storage/run.sh $(if $(filter file,$(origin KERNEL)),7.3,$(KERNEL))

vm-handshake: ## the helper library in a VM, with OpenSSL's, GnuTLS's, curl's and nginx's own programs: T=program[:test]
	$(need) handshake vm
	@$(MAKE) --no-print-directory -s -C selftests/handshake all
	@selftests/handshake/vm.sh $(KERNEL) '$(T)'

handshake-trixie: ## the helper library on Debian 13, OpenSSL 3.5: a root of its packages in the cache (root only)
	$(need) handshake
	@selftests/handshake/trixie.sh '$(T)'

bench: bench-path bench-handshake bench-crypto ## all measurements

bench-crypto: ## the record crypto on this CPU, beside OpenSSL and libgcrypt: W=pattern, FORMAT=json
	$(need) check >&2
	@$(MAKE) --no-print-directory -s -C selftests/crypto bench W='$(W)' FORMAT='$(FORMAT)'

bench-path: ## instructions per record, ours beside the in-tree module
	$(need) vm
	@selftests/bench/path.sh $(KERNEL)

bench-handshake: ## handshakes a second beside openssl s_server; what the handover costs
	$(need) handshake
	@selftests/bench/handshake.sh

style: ## how the code reads
	$(need) style
	@KDIR=$${KDIR:-$$(selftests/vm/image.sh headers $(KERNEL) || true)} selftests/style.sh

module: ## kmod/ktlsx.ko for the running kernel, KDIR=headers or KERNEL=6.1|6.12|7.3 (the last two: root only)
	$(need) module
	@$(if $(asked),$(kdir) $(MAKE) -C "$$kdir" M=$(CURDIR) modules,selftests/vm/image.sh module $(KERNEL) kmod/ktlsx.ko)

userspace: ## userspace/build: libktlsx and the command ktlsx
	$(need) userspace
	@$(MAKE) --no-print-directory -C userspace

install: module userspace ## module, its configuration, library, command and manuals, under DESTDIR
	@$(MAKE) --no-print-directory -s -C userspace install DESTDIR='$(DESTDIR)'
	@$(kdir) release=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$$kdir/include/generated/utsrelease.h") && [ -n "$$release" ] && \
		install -v -D -m 644 kmod/ktlsx.ko "$(DESTDIR)/lib/modules/$$release/updates/ktlsx.ko" && \
		{ [ -n "$(DESTDIR)" ] || depmod "$$release"; }
	install -D -m 644 kmod/modprobe.d-ktlsx.conf $(DESTDIR)/etc/modprobe.d/ktlsx.conf
	install -D -m 644 kmod/modules-load.d-ktlsx.conf $(DESTDIR)/etc/modules-load.d/ktlsx.conf

deb: ## a Debian package
	@echo "deb: not built yet"; exit 1

clean: ## what the targets built here; the cache stays
	@$(MAKE) --no-print-directory -s -C selftests clean
	@$(MAKE) --no-print-directory -s -C userspace clean
	@find kmod . -maxdepth 1 \( -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name 'modules.order' -o -name Module.symvers \
		-o -name '.*.cmd' \) -delete
	@find kmod -name '*.o' -delete -o -name '.*.cmd' -delete

.PHONY: help demo test test-all vm upstream vm-upstream vm-debug vm-storage check uml crypto-kernels handshake handshake-trixie vm-handshake bench bench-path bench-handshake bench-crypto style module userspace \
	install deb clean
