// SPDX-License-Identifier: MIT
/*
 * Owns: a consumer of a socket inside the kernel, as NVMe/TCP and sunrpc are:
 * takes sk_user_data and sk_data_ready, reads by read_sock. For tests only.
 * Must not know: ktlsx. Concurrency: one ioctl at a time, by a mutex.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "consumer.h"

struct taking {
	const struct consumer_read *ask;
	u8 *buf;
	u32 used_len;
	u32 calls;
};

static DEFINE_MUTEX(mutex);
static struct sk_buff_head kept;
static struct { struct sk_buff *skb; u32 off, len; } notes[64];
static unsigned int note_count;

static struct socket *hooked;
static void (*saved_data_ready)(struct sock *sk);
static atomic_t ready_count;

static void keep(struct sk_buff *skb, u32 off, u32 len)
{
	if (note_count == ARRAY_SIZE(notes))
		return;
	notes[note_count].skb = skb_clone(skb, GFP_ATOMIC);
	notes[note_count].off = off;
	notes[note_count].len = len;
	if (notes[note_count].skb)
		__skb_queue_tail(&kept, notes[note_count++].skb);
}

static int take(read_descriptor_t *desc, struct sk_buff *skb, unsigned int off,
		size_t len)
{
	struct taking *taking = desc->arg.data;
	u32 part_len = min_t(size_t, len, desc->count);

	taking->calls++;
	if (taking->ask->fail)
		return taking->ask->fail;
	if (taking->ask->step_len)
		part_len = min(part_len, taking->ask->step_len);
	if (skb_copy_bits(skb, off, taking->buf + taking->used_len, part_len))
		return -EFAULT;
	if (taking->ask->flags & CONSUMER_KEEP)
		keep(skb, off, part_len);
	taking->used_len += part_len;
	desc->count -= part_len;
	return part_len;
}

static int read_sock(struct socket *sock, read_descriptor_t *desc, u32 flags)
{
	struct sock *sk = sock->sk;
	int ret;

	if (flags & CONSUMER_SOFTIRQ) {
		local_bh_disable();
		bh_lock_sock(sk);
		ret = sock->ops->read_sock(sk, desc, take);
		bh_unlock_sock(sk);
		local_bh_enable();
		return ret;
	}
	lock_sock(sk);
	ret = sock->ops->read_sock(sk, desc, take);
	release_sock(sk);
	return ret;
}

static int do_read(struct consumer_read *ask)
{
	struct taking taking = { .ask = ask };
	read_descriptor_t desc = { .arg.data = &taking, .count = ask->len };
	struct socket *sock;
	int err = 0;

	if (ask->len > CONSUMER_LEN_MAX)
		return -EINVAL;
	sock = sockfd_lookup(ask->fd, &err);
	if (!sock)
		return err;
	taking.buf = vzalloc(ask->len + 1);
	if (taking.buf) {
		ask->ret = read_sock(sock, &desc, ask->flags);
		ask->calls = taking.calls;
		if (copy_to_user(u64_to_user_ptr(ask->buf), taking.buf,
				 taking.used_len))
			err = -EFAULT;
	} else {
		err = -ENOMEM;
	}
	vfree(taking.buf);
	sockfd_put(sock);
	return err;
}

static int show_kept(struct consumer_read *ask)
{
	u32 off = 0;
	unsigned int i;
	int err = 0;
	u8 *buf;

	if (ask->len > CONSUMER_LEN_MAX)
		return -EINVAL;
	buf = vzalloc(ask->len + 1);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < note_count && off + notes[i].len <= ask->len; i++) {
		if (skb_copy_bits(notes[i].skb, notes[i].off, buf + off,
				  notes[i].len))
			err = -EFAULT;
		off += notes[i].len;
	}
	if (copy_to_user(u64_to_user_ptr(ask->buf), buf, off))
		err = -EFAULT;
	vfree(buf);
	note_count = 0;
	__skb_queue_purge(&kept);
	ask->ret = off;
	return err;
}

static void data_ready(struct sock *sk)
{
	atomic_inc(&ready_count);
}

static int hook(int fd)
{
	int err = -EBUSY;
	struct sock *sk;

	if (hooked)
		return err;
	hooked = sockfd_lookup(fd, &err);
	if (!hooked)
		return err;
	sk = hooked->sk;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = &ready_count;
	saved_data_ready = sk->sk_data_ready;
	sk->sk_data_ready = data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	atomic_set(&ready_count, 0);
	return 0;
}

/* As sunrpc and NVMe do: whatever stands there now, what was there before comes back. */
static int unhook(void)
{
	struct sock *sk;

	if (!hooked)
		return -EINVAL;
	sk = hooked->sk;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = saved_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	sockfd_put(hooked);
	hooked = NULL;
	return 0;
}

static long do_ioctl(unsigned int cmd, unsigned long arg)
{
	struct consumer_read ask;
	long ret;

	switch (cmd) {
	case CONSUMER_HOOK:
		return hook(arg);
	case CONSUMER_UNHOOK:
		return unhook();
	case CONSUMER_READY:
		return atomic_read(&ready_count);
	}
	if (copy_from_user(&ask, (void __user *)arg, sizeof(ask)))
		return -EFAULT;
	switch (cmd) {
	case CONSUMER_READ:
		ret = do_read(&ask);
		break;
	case CONSUMER_KEPT:
		ret = show_kept(&ask);
		break;
	default:
		return -ENOTTY;
	}
	if (copy_to_user((void __user *)arg, &ask, sizeof(ask)))
		return -EFAULT;
	return ret;
}

static long consumer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	long ret;

	mutex_lock(&mutex);
	ret = do_ioctl(cmd, arg);
	mutex_unlock(&mutex);
	return ret;
}

static const struct file_operations ops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = consumer_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ktlsx_consumer",
	.fops = &ops,
};

static int __init consumer_init(void)
{
	__skb_queue_head_init(&kept);
	return misc_register(&device);
}

static void __exit consumer_exit(void)
{
	misc_deregister(&device);
	__skb_queue_purge(&kept);
}

module_init(consumer_init);
module_exit(consumer_exit);
MODULE_DESCRIPTION("A consumer of sockets for the tests of ktlsx");
MODULE_LICENSE("Dual MIT/GPL");
