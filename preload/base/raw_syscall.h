/* System calls made directly, past libc: they set no errno, are no cancellation points and cannot
 * be intercepted. Results are the kernel's: -errno on failure. */
#ifndef AFTERFORK_PRELOAD_RAW_SYSCALL_H
#define AFTERFORK_PRELOAD_RAW_SYSCALL_H

#include <stdint.h>
#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "afterfork's library knows x86-64 only: add the system call instruction of this architecture here"
#endif

static inline long raw_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
	                 : "=a"(ret)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return ret;
}
static inline long raw_syscall0(long nr)
{
	return raw_syscall6(nr, 0, 0, 0, 0, 0, 0);
}
static inline long raw_syscall1(long nr, long a)
{
	return raw_syscall6(nr, a, 0, 0, 0, 0, 0);
}
static inline long raw_syscall2(long nr, long a, long b)
{
	return raw_syscall6(nr, a, b, 0, 0, 0, 0);
}
static inline long raw_syscall3(long nr, long a, long b, long c)
{
	return raw_syscall6(nr, a, b, c, 0, 0, 0);
}
static inline long raw_syscall4(long nr, long a, long b, long c, long d)
{
	return raw_syscall6(nr, a, b, c, d, 0, 0);
}

#endif
