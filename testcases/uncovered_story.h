/* A story that is played by a process which the library is not in: it was executed with an empty environment.
 */
#ifndef AFTERFORK_CASE_UNCOVERED_STORY_H
#define AFTERFORK_CASE_UNCOVERED_STORY_H

#include "case.h"

/* True in the process that plays it; false in the one that waited until it was over. */
static inline int uncovered_story_begin(int argc)
{
	char *const nothing[] = {NULL};

	if (argc > 1)
		return 1;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execle("/proc/self/exe", "story", "story", (char *)NULL, nothing);
		_exit(CASE_CHECK_FAILED);
	}
	child_succeed(pid);
	return 0;
}

/* Start times are told in ticks of 10 ms: waits until the clock has gone on, so that what is made from now on
 * is younger than the threads that are there. */
static inline void uncovered_story_next_tick(void)
{
	struct timespec now, start;

	CHECK(clock_gettime(CLOCK_BOOTTIME, &start) == 0);
	do
		CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
	while (now.tv_sec == start.tv_sec && now.tv_nsec / 10000000 == start.tv_nsec / 10000000);
}

#endif
