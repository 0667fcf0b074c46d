/* A fork by a system call of one's own, which no symbol shows and which runs no fork handlers. */
#ifndef AFTERFORK_CASE_INLINE_FORK_H
#define AFTERFORK_CASE_INLINE_FORK_H

#include "case.h"

static inline pid_t inline_fork(void)
{
	long result = SYS_fork;

	__asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
	return (pid_t)result;
}

#endif
