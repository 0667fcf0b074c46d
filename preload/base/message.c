#include "message.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "line.h"
#include "raw_syscall.h"

enum { STANDARD_ERROR = 2 };

static bool known;
static struct stat at_start;

void message_init(void)
{
	known = raw_syscall2(SYS_fstat, STANDARD_ERROR, (long)&at_start) == 0;
}

static bool is_still_ours(void)
{
	struct stat now;
	return known && raw_syscall2(SYS_fstat, STANDARD_ERROR, (long)&now) == 0 &&
	       now.st_dev == at_start.st_dev && now.st_ino == at_start.st_ino;
}

/* A pipe that nobody reads raises SIGPIPE, a file at its limit (RLIMIT_FSIZE) SIGXFSZ: they are held back and
 * taken off again. */
static void write_quietly(const char *text, size_t size_bytes)
{
	enum { KERNEL_SIGSET_SIZE_BYTES = 8 };
	const uint64_t mask = (uint64_t)1 << (SIGPIPE - 1) | (uint64_t)1 << (SIGXFSZ - 1);
	uint64_t old_mask = 0;
	const struct timespec at_once = {0};
	raw_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, (long)&old_mask, KERNEL_SIGSET_SIZE_BYTES);
	long result = raw_syscall3(SYS_write, STANDARD_ERROR, (long)text, (long)size_bytes);
	const uint64_t raised = mask & ~old_mask;
	if ((result == -EPIPE || result == -EFBIG) && raised)
		raw_syscall4(SYS_rt_sigtimedwait, (long)&raised, 0, (long)&at_once, KERNEL_SIGSET_SIZE_BYTES);
	raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&old_mask, 0, KERNEL_SIGSET_SIZE_BYTES);
}

void message_error(const char *what, const char *subject, int error)
{
	if (!is_still_ours())
		return;
	char buffer[512];
	struct line line = line_on(buffer, sizeof buffer - 1);
	line_text(&line, "afterfork: ");
	line_text(&line, what);
	line_text(&line, subject);
	const char *reason =
	    error ? strerrordesc_np(error) : NULL; /* a table look-up, no locale (glibc 2.32) */
	if (reason) {
		line_text(&line, ": ");
		line_text(&line, reason);
	}
	buffer[line.length_bytes] = '\n';
	write_quietly(buffer, line.length_bytes + 1);
}
