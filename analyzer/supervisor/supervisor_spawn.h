/* Starts the command under the library. */
#ifndef AFTERFORK_SUPERVISOR_SPAWN_H
#define AFTERFORK_SUPERVISOR_SPAWN_H

#include <sys/types.h>

struct supervisor_spawn_settings {
	const char *path;         /* of the program, found before */
	char *const *command;     /* its argument vector, NULL-terminated */
	const char *library;      /* absolute path of libafterfork.so */
	const char *trace_folder; /* absolute */
};

/* The absolute path of the library, or of a link to it where the loader could not take its name: `given`,
 * else beside this executable. Malloc'd; NULL with a malloc'd sentence in *ret_error when there is none. */
char *supervisor_spawn_find_library(const char *given, char **ret_error);

/* The process group, terminal, descriptors and resource limits are those of this process, signal
 * dispositions and mask those that supervisor_signals_install() found. Returns the pid once the program was
 * executed; -1, nothing left behind, when it could not be: *ret_errno says why. */
pid_t supervisor_spawn(const struct supervisor_spawn_settings *settings, int *ret_errno);

#endif
