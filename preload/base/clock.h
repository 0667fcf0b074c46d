/* CLOCK_MONOTONIC and CLOCK_REALTIME by direct system call: libc's clock_gettime may be interposed. */
#ifndef AFTERFORK_PRELOAD_CLOCK_H
#define AFTERFORK_PRELOAD_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "raw_syscall.h"

static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec now = {0};
	raw_syscall2(SYS_clock_gettime, clock, (long)&now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static inline uint64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

#endif
