// SPDX-License-Identifier: MIT
/*
 * Owns a module that tests the record crypto inside a kernel: when it loads, the known answers and
 * then every engine of every algorithm against the generic one; the results are in the kernel log.
 * Must not know: the algorithms, but from their table; who reads the log.
 * Concurrency: load time only.
 * Specification: KTAP version 1.
 */
#include "engines.h"

#include <linux/module.h>
#include <linux/random.h>

#include "crypto/cpu.h"
#include "selftest.h"

static char *isa = "";
module_param(isa, charp, 0444);
MODULE_PARM_DESC(isa, "name of the best engine allowed, as the parameter of ktlsx");

static unsigned int rounds = 100;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "runs of records for each engine");

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of the random numbers, to repeat a run; 0: a new one");

static const struct {
	u32 bit;
	const char *name;
} extensions[] = {
	{ KTLSX_CPU_AESNI, "AES-NI" },
	{ KTLSX_CPU_AVX2, "AVX2" },
	{ KTLSX_CPU_VAES, "VAES" },
	{ KTLSX_CPU_VPCLMUL, "VPCLMULQDQ" },
	{ KTLSX_CPU_GFNI, "GFNI" },
	{ KTLSX_CPU_AVX512, "AVX-512" },
};

static unsigned int number __initdata;

static void __init skip(const char *alg, const struct ktlsx_aead_engine *engine)
{
	u32 missing = engine->cpu_needs & ~ktlsx_cpu_features();
	char names[64] = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (!(missing & extensions[i].bit))
			continue;
		strlcat(names, " ", sizeof(names));
		strlcat(names, extensions[i].name, sizeof(names));
	}
	ktap("ok %u %s %s # SKIP this CPU has no%s\n", ++number, alg, engine->name, names);
}

static unsigned int __init count_tests(void)
{
	const struct ktlsx_aead_engine *const *row;
	unsigned int alg, count = 1;

	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++)
		for (row = ktlsx_aead_find(alg)->engines; *row; row++)
			count++;
	return count;
}

/* The known answers complain on their own and disable an engine: the reader of the log sees it. */
static void __init test_known_answers(void)
{
	int err = ktlsx_selftest();

	ktap("%sok %u known answers\n", err ? "not " : "", ++number);
}

static void __init test_engine(const struct ktlsx_aead *aead,
			       const struct ktlsx_aead_engine *engine)
{
	struct rnd_state rnd;

	if (!ktlsx_aead_can_run(engine)) {
		skip(aead->name, engine);
		return;
	}
	/* each engine gets the same records */
	prandom_seed_state(&rnd, seed);
	ktap("%sok %u %s %s%s\n", trial_run(aead, engine, &rnd, rounds) ? "not " : "",
	     number + 1, aead->name, engine->name, engine == aead->fast ? ", chosen" : "");
	number++;
}

static int __init engines_init(void)
{
	const struct ktlsx_aead_engine *const *row;
	unsigned int alg;
	int err;

	err = ktlsx_aead_init(isa);
	if (err)
		return err;
	while (!seed)
		seed = get_random_u32();
	ktap("1..%u\n", count_tests());
	ktap("# isa=%s rounds=%u seed=%u\n", isa, rounds, seed);
	test_known_answers();
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++)
		for (row = ktlsx_aead_find(alg)->engines; *row; row++)
			test_engine(ktlsx_aead_find(alg), *row);
	return 0;
}
module_init(engines_init);

static void __exit engines_exit(void)
{
}
module_exit(engines_exit);

MODULE_DESCRIPTION("Tests of the record crypto of ktlsx inside a kernel");
MODULE_LICENSE("Dual MIT/GPL");
