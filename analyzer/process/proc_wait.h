/* What a thread of another process waits for in the kernel, read from outside. Changes nothing in it. */
#ifndef AFTERFORK_PROC_WAIT_H
#define AFTERFORK_PROC_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum proc_wait_state {
	PROC_WAIT_GONE,       /* no such thread */
	PROC_WAIT_UNREADABLE, /* no ptrace right on the process, or the kernel has no such file */
	PROC_WAIT_OTHER,      /* it runs, or is in a call that ends by itself */
	PROC_WAIT_FUTEX,      /* in a futex wait that only a wake, or a signal, can end */
	PROC_WAIT_DESCRIPTORS /* as proc_await_read() says, for which these are PROC_WAIT_OTHER */
};

struct proc_wait {
	enum proc_wait_state state;
	uint64_t address;   /* of the futex */
	uint32_t operation; /* FUTEX_WAIT, FUTEX_LOCK_PI, ..., without flags */
	uint64_t stack;     /* the thread's stack pointer */
	uint64_t pc;        /* behind the system call's instruction */
	long call;          /* the system call that it is in; -1: none, or not known */
	uint64_t arguments[6];
};

void proc_wait_read(pid_t pid, pid_t tid, struct proc_wait *ret_wait);
/* The same from a line of /proc/PID/task/TID/syscall. */
void proc_wait_parse(const char *line, struct proc_wait *ret_wait);

#endif
