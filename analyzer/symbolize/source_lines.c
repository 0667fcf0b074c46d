#include "source_lines.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

static bool is_usable(int fd, uint64_t changed_before_ns)
{
	struct stat status;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_SIZE_MAX)
		return false;
	uint64_t changed_ns = (uint64_t)status.st_mtim.tv_sec * 1000000000 + (uint64_t)status.st_mtim.tv_nsec;
	return changed_before_ns == 0 || changed_ns < changed_before_ns;
}

/* The path comes from debug information and may name a FIFO or a device: those must not be waited for. */
static FILE *open_source(const char *path, uint64_t changed_before_ns)
{
	int fd = path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	if (fd < 0)
		return NULL;
	FILE *file = is_usable(fd, changed_before_ns) ? fdopen(fd, "r") : NULL;
	if (!file)
		close(fd);
	return file;
}

char *source_lines_read(const char *path, unsigned line, uint64_t changed_before_ns)
{
	FILE *file = line ? open_source(path, changed_before_ns) : NULL;
	char *text = NULL, *result = NULL;
	size_t size = 0;
	ssize_t length = -1;
	if (!file)
		return NULL;
	for (unsigned i = 0; i < line; i++) {
		length = getline(&text, &size, file);
		if (length < 0)
			break;
	}
	if (length > 0) {
		const char *start = text + strspn(text, " \t\r\n\f");
		result = *start ? strndup(start, strcspn(start, "\r\n")) : NULL;
	}
	free(text);
	fclose(file);
	return result;
}
