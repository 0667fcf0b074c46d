#include "task_wait.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>

#include "line.h"
#include "raw_syscall.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static bool waits(uint64_t operation)
{
	operation &= FUTEX_CMD_MASK;
	return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == FUTEX_LOCK_PI ||
	       operation == FUTEX_LOCK_PI2;
}

static const char *read_number(const char *text, unsigned base, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *start = text;
	for (;; text++) {
		unsigned digit = *text >= '0' && *text <= '9'   ? (unsigned)(*text - '0')
		                 : *text >= 'a' && *text <= 'f' ? (unsigned)(*text - 'a') + 10
		                                                : base;
		if (digit >= base)
			break;
		number = number * base + digit;
	}
	*ret_number = number;
	return text == start ? NULL : text;
}

uint64_t task_wait_parse(const char *text)
{
	enum { ARGUMENTS = 4 };
	uint64_t number, argument[ARGUMENTS];
	const char *next = read_number(text, 10, &number);
	for (unsigned i = 0; i < ARGUMENTS; i++) {
		if (!next || next[0] != ' ' || next[1] != '0' || next[2] != 'x')
			return 0;
		next = read_number(next + 3, 16, &argument[i]);
	}
	if (!next || number != SYS_futex || !waits(argument[1]) || argument[3] != 0)
		return 0;
	return argument[0];
}

uint64_t task_wait_address(int32_t tid)
{
	char path[64], text[256];
	struct line line = line_on(path, sizeof path);
	line_text(&line, "/proc/self/task/");
	line_number(&line, tid);
	line_text(&line, "/syscall");
	long fd = raw_syscall4(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	long size = raw_syscall3(SYS_read, fd, (long)text, sizeof text - 1);
	raw_syscall1(SYS_close, fd);
	if (size <= 0)
		return 0;
	text[size] = 0;
	return task_wait_parse(text);
}
