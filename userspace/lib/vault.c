// SPDX-License-Identifier: MIT
/*
 * Owns: the pages that secrets live in, and which slots of them are free.
 * Knows nothing of what the bytes mean. One mutex a vault; it is not taken by a
 * child after fork(), which does no more than ktlsx_vault_free().
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vault.h"

/* A set is twice as large as the one before it, up to this. */
#define SET_PAGES_MAX 64

union slot {
	struct ktlsx_secrets secrets;
	union slot *next;	/* while it is free; the last one: NULL */
	uint8_t line[(sizeof(struct ktlsx_secrets) + 63) / 64 * 64];
};

/* Pages that were mapped and locked at once. */
struct set {
	void *pages;
	size_t len;
	struct set *next;
};

/**
 * struct ktlsx_vault - all sets of one config
 * @mutex: for everything below
 * @sets: newest first
 * @free: first free slot
 */
struct ktlsx_vault {
	pthread_mutex_t mutex;
	struct set *sets;
	union slot *free;
};

/* Locked before a secret is in it: swap space must never see one. */
static void *map_locked(size_t len, int *err)
{
	void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED) {
		*err = -ENOMEM;
		return NULL;
	}
	*err = 0;
	if (mlock(pages, len))
		*err = -EPERM;	/* whatever it says, the cause is RLIMIT_MEMLOCK */
	else if (madvise(pages, len, MADV_DONTDUMP) || madvise(pages, len, MADV_WIPEONFORK))
		*err = -errno;
	if (!*err)
		return pages;
	munmap(pages, len);
	return NULL;
}

static int grow(struct ktlsx_vault *vault)
{
	size_t page_len = sysconf(_SC_PAGESIZE);
	size_t len = vault->sets ? vault->sets->len * 2 : page_len;
	struct set *set = malloc(sizeof(*set));
	union slot *slots;
	int err;

	if (!set)
		return -ENOMEM;
	if (len > SET_PAGES_MAX * page_len)
		len = SET_PAGES_MAX * page_len;
	slots = map_locked(len, &err);
	if (!slots && len > page_len)	/* the limit may leave room for less */
		slots = map_locked(len = page_len, &err);
	if (!slots) {
		free(set);
		return err;
	}
	*set = (struct set){ .pages = slots, .len = len, .next = vault->sets };
	vault->sets = set;
	for (size_t i = 0; i < len / sizeof(*slots); i++) {
		slots[i].next = vault->free;
		vault->free = &slots[i];
	}
	return 0;
}

/**
 * ktlsx_vault_new() - makes a vault with its first pages
 * @vault: out; free with ktlsx_vault_free()
 *
 * Return: 0; -ENOMEM; -EPERM the process may not lock memory (RLIMIT_MEMLOCK);
 * another -errno of madvise().
 */
int ktlsx_vault_new(struct ktlsx_vault **vault)
{
	struct ktlsx_vault *new = calloc(1, sizeof(*new));
	int saved = errno, err;

	*vault = NULL;
	if (!new)
		return -ENOMEM;
	pthread_mutex_init(&new->mutex, NULL);
	err = grow(new);
	errno = saved;
	if (err) {
		ktlsx_vault_free(new);
		return err;
	}
	*vault = new;
	return 0;
}

/**
 * ktlsx_vault_free() - wipes and unmaps everything
 * @vault: all slots are given back, or nobody uses them; NULL is fine
 *
 * Takes no lock, so that a child after fork() may call it.
 */
void ktlsx_vault_free(struct ktlsx_vault *vault)
{
	struct set *set;

	if (!vault)
		return;
	while ((set = vault->sets)) {
		vault->sets = set->next;
		OPENSSL_cleanse(set->pages, set->len);
		munmap(set->pages, set->len);
		free(set);
	}
	pthread_mutex_destroy(&vault->mutex);
	free(vault);
}

/**
 * ktlsx_vault_take() - one empty slot, more pages when there is none
 * @vault: the vault
 * @secrets: out; zeroed; back with ktlsx_vault_give()
 *
 * Return: as ktlsx_vault_new().
 */
int ktlsx_vault_take(struct ktlsx_vault *vault, struct ktlsx_secrets **secrets)
{
	union slot *slot;
	int err = 0;

	pthread_mutex_lock(&vault->mutex);
	if (!vault->free)
		err = grow(vault);
	slot = vault->free;
	if (slot)
		vault->free = slot->next;
	pthread_mutex_unlock(&vault->mutex);
	*secrets = slot ? &slot->secrets : NULL;
	if (slot)
		slot->next = NULL;
	return err;
}

/**
 * ktlsx_vault_give() - wipes a slot and makes it free
 * @vault: where it was taken from
 * @secrets: the slot; NULL is fine
 *
 * Not to be called by a child after fork(): its pages are empty anyway, and
 * another thread may have held the mutex.
 */
void ktlsx_vault_give(struct ktlsx_vault *vault, struct ktlsx_secrets *secrets)
{
	union slot *slot = (union slot *)secrets;

	if (!slot)
		return;
	OPENSSL_cleanse(slot, sizeof(*slot));
	pthread_mutex_lock(&vault->mutex);
	slot->next = vault->free;
	vault->free = slot;
	pthread_mutex_unlock(&vault->mutex);
}
