/* SPDX-License-Identifier: MIT */
/*
 * Owns: an io_uring of one entry, by bare system calls: submit one, wait for it.
 * Must not know: what is submitted.
 * Concurrency: one thread.
 * Follows: io_uring_setup(2), io_uring_enter(2).
 */
#ifndef URING_H
#define URING_H

#include <linux/io_uring.h>
#include <sys/syscall.h>

struct uring {
	int fd;
	uint8_t *rings;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

/* Return: 0 or -errno; -ENOSYS and -EPERM where this machine has none to give. */
static inline int uring_open(struct uring *ring)
{
	size_t len;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, 1, &ring->params);
	if (ring->fd < 0)
		return -errno;
	if (!(ring->params.features & IORING_FEAT_SINGLE_MMAP))
		return -ENOSYS;
	len = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
	ring->rings =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, sizeof(*ring->sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			  IORING_OFF_SQES);
	return ring->rings == MAP_FAILED || (void *)ring->sqes == MAP_FAILED ? -ENOMEM : 0;
}

static inline uint32_t *uring_word(struct uring *ring, uint32_t off)
{
	return (uint32_t *)(ring->rings + off);
}

/* Return: the result of its next completion. */
static inline int uring_wait(struct uring *ring)
{
	uint32_t *head = uring_word(ring, ring->params.cq_off.head);
	uint32_t *tail = uring_word(ring, ring->params.cq_off.tail);
	struct io_uring_cqe *cqe;
	int result;

	while (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		if (syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) <
		    0)
			return -errno;
	cqe = (struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes) +
	      (*head & *uring_word(ring, ring->params.cq_off.ring_mask));
	result = cqe->res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

/* Return: the result of @sqe. */
static inline int uring_do(struct uring *ring, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = uring_word(ring, ring->params.sq_off.tail);

	ring->sqes[0] = *sqe;
	*uring_word(ring, ring->params.sq_off.array) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	return uring_wait(ring);
}

/* One operation on a ring of this process. Return: as the system call that it stands for. */
static ssize_t uring_once(struct io_uring_sqe sqe)
{
	static struct uring ring;
	int ret = ring.rings ? 0 : uring_open(&ring);

	if (ret == -ENOSYS || ret == -EPERM)
		SKIP("this machine lacks io_uring (CONFIG_IO_URING, kernel.io_uring_disabled)");
	ASSERT_EQ(ret, 0);
	ret = uring_do(&ring, &sqe);
	errno = ret < 0 ? -ret : 0;
	return ret < 0 ? -1 : ret;
}

#endif
