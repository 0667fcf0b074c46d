#include "supervisor_message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void supervisor_message(const char *format, ...)
{
	int saved_errno = errno;
	char *text = NULL, *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	/* One write: the command writes to the same terminal. */
	int size = text ? asprintf(&line, "afterfork: %s\n", text) : -1;
	if (size > 0)
		(void)!write(STDERR_FILENO, line, (size_t)size);
	free(line);
	free(text);
	errno = saved_errno;
}
