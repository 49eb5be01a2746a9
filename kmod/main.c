// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload, strictly mirrored. Unload runs only when no socket is
 * attached any more: TCP holds a module reference for each until it destroys
 * it.
 */
#include <linux/module.h>
#include <linux/sysfs.h>

#include "crypto/aead.h"
#include "pool.h"
#include "rx.h"
#include "selftest.h"
#include "sock.h"
#include "stats.h"
#include "tx.h"
#include "ulp.h"

static char *isa = "";
module_param(isa, charp, 0444);
MODULE_PARM_DESC(isa, "Engines may need no more of the CPU than the one named: generic, aesni, vaes256, avx512, aesni-avx2, gfni256, gfni512; empty: no limit");

/* One line an algorithm: what this CPU can run, an asterisk for what runs. */
static int show_engines(char *page, const struct kernel_param *param)
{
	const struct ktlsx_aead_engine *const *row;
	unsigned int i;
	int len = 0;

	for (i = 0; i < KTLSX_AEAD_COUNT; i++) {
		const struct ktlsx_aead *aead = ktlsx_aead_find(i);

		len += sysfs_emit_at(page, len, "%s:", aead->name);
		for (row = aead->engines; *row; row++)
			if (ktlsx_aead_can_run(*row))
				len += sysfs_emit_at(page, len, " %s%s",
						     (*row)->name,
						     *row == aead->fast ? "*" :
									  "");
		len += sysfs_emit_at(page, len, "\n");
	}
	return len;
}

static const struct kernel_param_ops engines_ops = { .get = show_engines };
module_param_cb(engines, &engines_ops, NULL, 0444);
MODULE_PARM_DESC(engines, "Record engines that this CPU can run, by algorithm; * the active one (read only)");

static const struct {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{ ktlsx_stats_init, ktlsx_stats_exit },
	{ ktlsx_pool_init, ktlsx_pool_exit },
	{ ktlsx_sock_init, ktlsx_sock_exit },
	{ ktlsx_tx_init, ktlsx_tx_exit },
	{ ktlsx_rx_init, ktlsx_rx_exit },
	{ ktlsx_ulp_init, ktlsx_ulp_exit },
};

static void stop(unsigned int count)
{
	while (count--)
		parts[count].exit();
}

static int __init ktlsx_init(void)
{
	unsigned int i;
	int err;

	err = ktlsx_aead_init(isa);
	if (err) {
		pr_err("ktlsx: no record engine is called \"%s\": isa= takes generic, aesni, vaes256, avx512, aesni-avx2, gfni256 or gfni512\n",
		       isa);
		return err;
	}
	err = ktlsx_selftest();
	if (err)
		return err;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		err = parts[i].init();
		if (err) {
			stop(i);
			return err;
		}
	}
	pr_info("ktlsx: loaded, %s and %s records\n",
		ktlsx_aead_find(KTLSX_AEAD_AES_128_GCM)->fast->name,
		ktlsx_aead_find(KTLSX_AEAD_AES_256_GCM)->fast->name);
	return 0;
}

static void __exit ktlsx_exit(void)
{
	stop(ARRAY_SIZE(parts));
}

module_init(ktlsx_init);
module_exit(ktlsx_exit);

MODULE_DESCRIPTION("TLS records in the TCP socket data path");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
