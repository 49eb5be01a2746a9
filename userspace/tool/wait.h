/* SPDX-License-Identifier: MIT */
/*
 * Waiting for descriptors, and being told to stop meanwhile. One thread.
 */
#ifndef KTLSX_WAIT_H
#define KTLSX_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

void ktlsx_wait_catch_stop(void);
void ktlsx_wait_release_stop(void);
bool ktlsx_wait_is_stopped(void);
int ktlsx_wait_poll(struct pollfd *fds, unsigned int count, int timeout_ms);
int ktlsx_wait_for(int fd, short events, int timeout_ms);
int64_t ktlsx_wait_now_ms(void);

#endif /* KTLSX_WAIT_H */
