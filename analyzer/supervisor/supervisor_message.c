#include "supervisor_message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "text_layout.h"

void supervisor_message(const char *format, ...)
{
	int saved_errno = errno;
	char *text = NULL, *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	/* Names of processes and files are in it, which a terminal must not take for commands. */
	char *clean = text ? text_layout_clean(text) : NULL;
	/* One write: the command writes to the same terminal. */
	int size = clean ? asprintf(&line, "afterfork: %s\n", clean) : -1;
	if (size > 0)
		(void)!write(STDERR_FILENO, line, (size_t)size);
	free(line);
	free(clean);
	free(text);
	errno = saved_errno;
}
