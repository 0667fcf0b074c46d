#include "proc_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static bool waits(uint32_t operation)
{
	return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == FUTEX_LOCK_PI ||
	       operation == FUTEX_LOCK_PI2 || operation == FUTEX_WAIT_REQUEUE_PI;
}

void proc_wait_parse(const char *line, struct proc_wait *ret_wait)
{
	uint64_t arguments[6], stack, pc;
	long number;

	*ret_wait = (struct proc_wait){.state = PROC_WAIT_OTHER, .call = -1};
	if (sscanf(line,
	           "%ld 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64
	           " 0x%" SCNx64 " 0x%" SCNx64,
	           &number, &arguments[0], &arguments[1], &arguments[2], &arguments[3], &arguments[4],
	           &arguments[5], &stack, &pc) != 9)
		return;
	ret_wait->call = number;
	memcpy(ret_wait->arguments, arguments, sizeof(arguments));
	ret_wait->stack = stack;
	ret_wait->pc = pc;
	uint32_t operation = (uint32_t)arguments[1] & FUTEX_CMD_MASK;
	/* The fourth argument is the time limit: with one, the wait ends by itself. */
	if (number != SYS_futex || !waits(operation) || arguments[3] != 0)
		return;
	ret_wait->state = PROC_WAIT_FUTEX;
	ret_wait->address = arguments[0];
	ret_wait->operation = operation;
}

void proc_wait_read(pid_t pid, pid_t tid, struct proc_wait *ret_wait)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (size > 0) {
		line[size] = '\0';
		proc_wait_parse(line, ret_wait);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	bool gone = error == ESRCH || access(path, F_OK) != 0;
	*ret_wait = (struct proc_wait){.state = gone ? PROC_WAIT_GONE : PROC_WAIT_UNREADABLE};
}
