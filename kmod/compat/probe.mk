# SPDX-License-Identifier: GPL-2.0-only
# One line a probe: look for the declaration that will be used, never for a
# neighbour or a version. Each says since when, and when it can go.

ktlsx-open := (
ktlsx-declares = $(shell grep -s -- '\<$(1)$(ktlsx-open)' $(srctree)/include/$(2))
ktlsx-probe = $(if $(call ktlsx-declares,$(2),$(3)),-DKTLSX_HAVE_$(1))

# came in 6.7; goes with the last older kernel
ccflags-y += $(call ktlsx-probe,SHRINKER_ALLOC,shrinker_alloc,linux/shrinker.h)
# came in 6.12; goes with the last older kernel
ccflags-y += $(call ktlsx-probe,SKB_FRAGS_READABLE,skb_frags_readable,linux/skbuff.h)
# came in 6.2, and to 6.1 in a late update; goes with the last older kernel
ccflags-y += $(if $(shell grep -s 'sk_use_task_frag;' $(srctree)/include/net/sock.h),-DKTLSX_HAVE_SK_USE_TASK_FRAG)
# came in 6.16; goes with the last older kernel
ccflags-y += $(if $(shell grep -s 'struct chacha_state {' $(srctree)/include/crypto/chacha.h),-DKTLSX_HAVE_CHACHA_STATE)
# came in 6.10; goes with the last older kernel
ccflags-y += $(call ktlsx-probe,NET_RPS,sock_rps_record_flow,net/rps.h)
# went in 6.5, and proto.sendpage with it: decides on the file for TCP's pages
ktlsx-has-sendpage := $(call ktlsx-declares,do_tcp_sendpages,net/tcp.h)
