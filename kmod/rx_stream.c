// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns reading as a stream of application data, by those who have no place for
 * a record type: splice, kernel consumers. Must not know where the bytes go.
 * Concurrency: socket lock held but while ktlsx_rx_wait() sleeps; after that
 * everything is looked at anew, for another reader may have been there.
 */
#include "rx.h"

static int next_record(struct sock *sk, struct ktlsx_rx *rx)
{
	if (unlikely(ktlsx_sock_of(sk)->is_control))
		return ktlsx_rx_next_guided(sk, rx,
					    KTLSX_STAT_RX_SPLICE_RECORDS,
					    KTLSX_READER_PLAIN);
	return ktlsx_rx_next(sk, rx, KTLSX_STAT_RX_SPLICE_RECORDS);
}

static int wait_for_record(struct sock *sk, struct ktlsx_rx *rx, long *timeo)
{
	int ret = ktlsx_rx_wait(sk, rx, timeo, false);

	if (!ret && unlikely(ktlsx_sock_of(sk)->is_control))
		ret = ktlsx_rx_end(sk, rx);
	return ret;
}

/* In-tree behaviour: only application data is a stream of bytes. */
static ssize_t give_record(struct sock *sk, struct ktlsx_rx *rx,
			   ktlsx_rx_sink_fn give, void *sink, size_t len)
{
	ssize_t ret;

	if (rx->parked.type != TLS_CT_APPLICATION_DATA)
		return -EINVAL;
	ret = give(sk, rx, sink, len);
	if (ret > 0)
		ktlsx_rx_consume(sk, rx, ret);
	return ret;
}

/**
 * ktlsx_rx_stream() - hand out application data record by record
 * @sk: socket
 * @rx: its receiving state
 * @give: takes bytes from the front of @rx->parked
 * @sink: for @give
 * @len: bytes wanted
 * @timeo: how long to wait for the first, jiffies
 *
 * Context: Process context, socket lock held; released while it sleeps.
 * Return: bytes that @give took; else as ktlsx_rx_recvmsg(), -EINVAL control
 * record (it stays) unless in control mode, or what @give said.
 */
ssize_t ktlsx_rx_stream(struct sock *sk, struct ktlsx_rx *rx,
			ktlsx_rx_sink_fn give, void *sink, size_t len,
			long timeo)
{
	size_t given_len = 0;
	ssize_t ret = 0;

	while (given_len < len) {
		ret = next_record(sk, rx);
		if (!ret && !given_len) {
			ret = wait_for_record(sk, rx, &timeo);
			if (ret > 0)
				continue;
		}
		if (ret <= 0)
			break;
		ret = give_record(sk, rx, give, sink, len - given_len);
		if (ret <= 0)
			break;
		given_len += ret;
	}
	return given_len ?: ret;
}
