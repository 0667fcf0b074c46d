/* The name of the trace folder: `-o` with its patterns, made absolute. */
#ifndef AFTERFORK_OUTPUT_PATH_H
#define AFTERFORK_OUTPUT_PATH_H

#include <sys/types.h>

/* Expands %p (pid), %h (host name), %q{VAR} (value of an environment variable) and %% in
 * pattern, and puts the current folder before a relative result.
 * Returns a malloc'd absolute path. On a bad pattern, an unset variable or an unreadable
 * current folder: NULL, and *ret_error is a malloc'd sentence that says which and what to do. */
char *output_path_expand(const char *pattern, pid_t pid, char **ret_error);

#endif
