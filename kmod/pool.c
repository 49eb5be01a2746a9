// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store of recycled record buffers. Each CPU has a stack of buffers that
 * nobody else holds, a queue of buffers that TCP, a receiver or a pipe may
 * still hold, and one buffer whose tail is unused. Must not know what is in
 * them. One spinlock per CPU; nothing sleeps or allocates under it.
 *
 * A page's reference count is the only word on who holds a buffer: whoever
 * drops a reference last did all its reads before, so a count of one, read
 * with acquire order, makes the buffer ours to overwrite.
 */
#include "pool.h"

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>

#include "stats.h"

#define STACK_SIZE 16
#define QUEUE_SIZE 64		/* 2 MB: twice what a 1 MB send has in flight */
#define LOOK_COUNT 4		/* some holders never let go: do not search */
#define POISON 0x5a
#define BUF_SIZE (PAGE_SIZE << KTLSX_BUF_ORDER)

struct store {
	spinlock_t lock;	/* guards the rest; taken for moments only */
	struct ktlsx_buf partial;
	unsigned int stack_count;
	unsigned int queue_head;
	unsigned int queue_count;
	struct page *stack[STACK_SIZE];
	struct page *queue[QUEUE_SIZE];
};

static struct store __percpu *stores;
static struct shrinker *shrinker;

/* Debug: shows a reader of a buffer that was lent again too early. */
static bool pool_poison;
module_param(pool_poison, bool, 0644);
MODULE_PARM_DESC(pool_poison, "Overwrite buffers before they are used again");

static bool is_unshared(struct page *page)
{
	if (page_count(page) != 1)
		return false;
	/* Pairs with the release of the reference that was dropped last. */
	smp_rmb();
	return true;
}

static struct page **queue_slot(struct store *store, unsigned int i)
{
	return &store->queue[(store->queue_head + i) % QUEUE_SIZE];
}

static struct page *queue_pop(struct store *store)
{
	struct page *page = *queue_slot(store, 0);

	store->queue_head = (store->queue_head + 1) % QUEUE_SIZE;
	store->queue_count--;
	return page;
}

/* The oldest unshared buffer among the first few; counts those in the way. */
static struct page *queue_find(struct store *store, unsigned int *busy)
{
	unsigned int look = min_t(unsigned int, store->queue_count, LOOK_COUNT);
	unsigned int i;

	for (i = 0; i < look; i++) {
		if (is_unshared(*queue_slot(store, i))) {
			swap(*queue_slot(store, i), *queue_slot(store, 0));
			return queue_pop(store);
		}
		++*busy;
	}
	return NULL;
}

static struct page *store_find(unsigned int *busy)
{
	struct store *store = raw_cpu_ptr(stores);
	struct page *page;

	spin_lock_bh(&store->lock);
	if (store->stack_count)
		page = store->stack[--store->stack_count];
	else
		page = queue_find(store, busy);
	spin_unlock_bh(&store->lock);
	return page;
}

static struct page *allocate(struct net *net, gfp_t gfp, unsigned int *order)
{
	gfp_t try = gfp | __GFP_COMP | __GFP_NOWARN | __GFP_NORETRY;
	struct page *page;

	for (*order = KTLSX_BUF_ORDER; *order; --*order) {
		page = alloc_pages(try & ~__GFP_DIRECT_RECLAIM, *order);
		if (page)
			return page;
		if (*order == KTLSX_BUF_ORDER)
			ktlsx_stat_add(net, KTLSX_STAT_POOL_SMALL, 1);
	}
	return alloc_page(gfp);
}

/**
 * ktlsx_buf_get() - borrow an unshared buffer
 * @net: whose counters to use
 * @buf: filled in
 * @gfp: allocation flags; a smaller buffer is better than sleeping for long
 *
 * The content is whatever the last user left: overwrite before anyone sees it.
 *
 * Context: Process context with GFP_KERNEL; any with GFP_ATOMIC.
 * Return: 0; -ENOMEM when not even one page was to be had.
 */
int ktlsx_buf_get(struct net *net, struct ktlsx_buf *buf, gfp_t gfp)
{
	unsigned int order = KTLSX_BUF_ORDER;
	unsigned int busy = 0;
	struct page *page;

	page = store_find(&busy);
	if (busy)
		ktlsx_stat_add(net, KTLSX_STAT_POOL_BUSY, busy);
	if (page) {
		ktlsx_stat_add(net, KTLSX_STAT_POOL_REUSED, 1);
		if (pool_poison)
			memset(page_address(page), POISON, BUF_SIZE);
	} else {
		page = allocate(net, gfp, &order);
		if (!page)
			return -ENOMEM;
		ktlsx_stat_add(net, KTLSX_STAT_POOL_ALLOC, 1);
	}
	buf->page = page;
	buf->size = PAGE_SIZE << order;
	buf->off = 0;
	return 0;
}

/**
 * ktlsx_buf_get_partial() - borrow a buffer that may be partly used
 * @net: whose counters to use
 * @buf: filled in; bytes before @buf->off belong to others
 * @gfp: as in ktlsx_buf_get()
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM, as ktlsx_buf_get().
 */
int ktlsx_buf_get_partial(struct net *net, struct ktlsx_buf *buf, gfp_t gfp)
{
	struct store *store = raw_cpu_ptr(stores);

	spin_lock_bh(&store->lock);
	*buf = store->partial;
	store->partial.page = NULL;
	spin_unlock_bh(&store->lock);
	return buf->page ? 0 : ktlsx_buf_get(net, buf, gfp);
}

/* A buffer may hold plaintext that some socket received: wipe what is ours. */
static void discard(struct page *page)
{
	if (is_unshared(page))
		memzero_explicit(page_address(page),
				 PAGE_SIZE << compound_order(page));
	put_page(page);
}

/* Keep the page or say which one has to go. */
static struct page *store_keep(struct store *store, struct page *page)
{
	struct page *evicted = NULL;

	if (store->stack_count < STACK_SIZE && is_unshared(page)) {
		store->stack[store->stack_count++] = page;
		return NULL;
	}
	if (store->queue_count == QUEUE_SIZE)
		evicted = queue_pop(store);
	*queue_slot(store, store->queue_count++) = page;
	return evicted;
}

/**
 * ktlsx_buf_put() - give a buffer and its reference back
 * @buf: emptied
 *
 * Others may hold references of their own for as long as they like.
 *
 * Context: Any context but hard interrupts.
 */
void ktlsx_buf_put(struct ktlsx_buf *buf)
{
	struct store *store = raw_cpu_ptr(stores);
	struct page *page = buf->page;

	buf->page = NULL;
	/* The store lends whole buffers only. */
	if (buf->size == BUF_SIZE) {
		spin_lock_bh(&store->lock);
		page = store_keep(store, page);
		spin_unlock_bh(&store->lock);
	}
	if (page)
		discard(page);
}

/**
 * ktlsx_buf_put_partial() - give back a buffer whose tail is unused
 * @buf: emptied; the next ktlsx_buf_get_partial() on this CPU goes on there
 *
 * Context: Any context but hard interrupts.
 */
void ktlsx_buf_put_partial(struct ktlsx_buf *buf)
{
	struct store *store = raw_cpu_ptr(stores);
	bool is_kept = false;

	if (buf->off < buf->size) {
		spin_lock_bh(&store->lock);
		is_kept = !store->partial.page;
		if (is_kept)
			store->partial = *buf;
		spin_unlock_bh(&store->lock);
	}
	if (is_kept)
		buf->page = NULL;
	else
		ktlsx_buf_put(buf);
}

static unsigned long store_drain(struct store *store, unsigned long max)
{
	unsigned long count;

	for (count = 0; count < max; count++) {
		struct page *page = NULL;

		spin_lock_bh(&store->lock);
		if (store->queue_count)
			page = queue_pop(store);
		else if (store->stack_count)
			page = store->stack[--store->stack_count];
		else
			swap(page, store->partial.page);
		spin_unlock_bh(&store->lock);
		if (!page)
			break;
		discard(page);
	}
	return count;
}

static unsigned long count_objects(struct shrinker *unused,
				   struct shrink_control *sc)
{
	unsigned long count = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct store *store = per_cpu_ptr(stores, cpu);

		count += READ_ONCE(store->stack_count) +
			 READ_ONCE(store->queue_count);
	}
	return count ? count << KTLSX_BUF_ORDER : SHRINK_EMPTY;
}

static unsigned long scan_objects(struct shrinker *unused,
				  struct shrink_control *sc)
{
	unsigned long want = DIV_ROUND_UP(sc->nr_to_scan, 1 << KTLSX_BUF_ORDER);
	unsigned long freed = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (freed >= want)
			break;
		freed += store_drain(per_cpu_ptr(stores, cpu), want - freed);
	}
	return freed ? freed << KTLSX_BUF_ORDER : SHRINK_STOP;
}

/**
 * ktlsx_pool_init() - make the store
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_pool_init(void)
{
	int cpu;

	stores = alloc_percpu(struct store);
	if (!stores)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(stores, cpu)->lock);

	shrinker = shrinker_alloc(0, "ktlsx");
	if (!shrinker) {
		free_percpu(stores);
		return -ENOMEM;
	}
	shrinker->count_objects = count_objects;
	shrinker->scan_objects = scan_objects;
	shrinker_register(shrinker);
	return 0;
}

/**
 * ktlsx_pool_exit() - give every buffer back to the page allocator, wiped
 *
 * Context: Process context, at unload, when no socket is left.
 */
void ktlsx_pool_exit(void)
{
	int cpu;

	shrinker_free(shrinker);
	for_each_possible_cpu(cpu)
		store_drain(per_cpu_ptr(stores, cpu), ULONG_MAX);
	free_percpu(stores);
}
