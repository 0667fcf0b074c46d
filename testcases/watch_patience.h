/* For cases in which a process waits rightly: it has to wait for longer than the watch from outside needs to
 * make up its mind, or the case would prove nothing. This is the one place where a case takes time on
 * purpose. */
#ifndef AFTERFORK_CASE_WATCH_PATIENCE_H
#define AFTERFORK_CASE_WATCH_PATIENCE_H

#include "case.h"
#include <time.h>

enum { WATCH_PATIENCE_S = 3 };

__attribute__((unused)) static void outlast_the_watch(void)
{
	struct timespec span = {.tv_sec = WATCH_PATIENCE_S};

	while (nanosleep(&span, &span) != 0)
		CHECK(errno == EINTR);
}

#endif
