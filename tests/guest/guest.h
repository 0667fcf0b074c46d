/* A program under the library checks itself: the first thing that is not as libc has it ends it with exit
 * code 1. */
#ifndef AFTERFORK_TESTS_GUEST_H
#define AFTERFORK_TESTS_GUEST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPECT(condition)                                                                                    \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);              \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

/* Ends the test if the child did not pass. */
static inline void guest_wait(pid_t child)
{
	int status;

	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(WIFEXITED(status));
	EXPECT(WEXITSTATUS(status) == 0);
}

/* Memory of this process in KiB, as the kernel counts it in /proc/self/status. */
static inline long guest_memory_kib(const char *field)
{
	char line[256];
	long value = -1;
	FILE *file = fopen("/proc/self/status", "r");

	EXPECT(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, field, strlen(field)) == 0)
			value = atol(line + strlen(field) + 1);
	fclose(file);
	EXPECT(value >= 0);
	return value;
}

#endif
