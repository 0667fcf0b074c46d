/* What the tests of forks share: a process with another thread that holds a lock, and checks inside a child.
 */
#ifndef AFTERFORK_TESTS_FORK_SNAPSHOT_FIXTURE_H
#define AFTERFORK_TESTS_FORK_SNAPSHOT_FIXTURE_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "core_fixture.h"

enum { INVENTED = 100001 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self, *worker;

/* Ends a child of the test with the line of the first thing that was not so. */
#define EXPECT_IN_CHILD(condition)                                                                           \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			_exit(__LINE__ % 250 + 1);                                                           \
	} while (0)

static inline void expect_child_passes(pid_t child, int first_line)
{
	int code = core_wait(child);
	cr_assert_eq(
	    code, 0,
	    "the child of line %d ended with %d: a line number modulo 250 plus one, or 1000 + a signal",
	    first_line, code);
}
#define EXPECT_PASSES(child) expect_child_passes(child, __LINE__)

static inline void start_with_worker(void)
{
	self = core_start();
	worker = core_invent_thread(INVENTED);
	core_invent_hold(worker, &lock, TRACE_HOLD_HELD);
}

#endif
