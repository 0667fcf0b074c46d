/* A story that is played by a process which the library is not in: it was executed without it in the
 * environment, of which the place of the trace alone is left. */
#ifndef AFTERFORK_CASE_UNCOVERED_STORY_H
#define AFTERFORK_CASE_UNCOVERED_STORY_H

#include "case.h"

/* True in the process that plays it; false in the one that waited until it was over. */
static inline int uncovered_story_begin(int argc)
{
	const char *trace = getenv("AFTERFORK_TRACE");
	char kept[1024];
	char *const environment[] = {kept, NULL};

	if (argc > 1)
		return 1;
	snprintf(kept, sizeof(kept), "AFTERFORK_TRACE=%s", trace ? trace : "");
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execle("/proc/self/exe", "story", "story", (char *)NULL,
		       trace ? environment : environment + 1);
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
