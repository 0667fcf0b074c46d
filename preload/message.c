#include "message.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "line.h"
#include "raw_syscall.h"

enum { STANDARD_ERROR = 2 };

static bool known;
static struct stat at_start;

void message_init(void) { known = raw_syscall2(SYS_fstat, STANDARD_ERROR, (long)&at_start) == 0; }

static bool is_still_ours(void)
{
	struct stat now;
	return known && raw_syscall2(SYS_fstat, STANDARD_ERROR, (long)&now) == 0 && now.st_dev == at_start.st_dev &&
	       now.st_ino == at_start.st_ino;
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
	const char *reason = error ? strerrordesc_np(error) : NULL; /* a table look-up, no locale (glibc 2.32) */
	if (reason) {
		line_text(&line, ": ");
		line_text(&line, reason);
	}
	buffer[line.length_bytes] = '\n';
	raw_syscall3(SYS_write, STANDARD_ERROR, (long)buffer, (long)line.length_bytes + 1);
}
