/* Lines of source files, for excerpts. */
#ifndef AFTERFORK_ANALYZER_SOURCE_LINES_H
#define AFTERFORK_ANALYZER_SOURCE_LINES_H

#include <stdint.h>

/* The line (counted from 1) without its indentation and newline, malloc'ed. NULL where there is none to show:
 * no such file or line, an empty line, no regular file, or a file changed after `changed_before_ns`
 * (realtime; 0: any age), whose lines may be other ones by now. */
char *source_lines_read(const char *path, unsigned line, uint64_t changed_before_ns);

#endif
