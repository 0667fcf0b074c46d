/* As with pthread_mutex_timedlock, on the monotonic clock: the child gets ETIMEDOUT from a lock that only
 * a vanished worker could let go.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal stats_mutex
 *   holder: acquired_at=stats_collect<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_clocklock function=stats_dump<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t stats_mutex = PTHREAD_MUTEX_INITIALIZER;

static void stats_collect(void)
{
	CHECK(pthread_mutex_lock(&stats_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&stats_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	stats_collect();
	return NULL;
}

static void stats_dump(void)
{
	const struct timespec long_ago = {.tv_nsec = 1};

	CHECK(pthread_mutex_clocklock(&stats_mutex, CLOCK_MONOTONIC, &long_ago) == ETIMEDOUT);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		stats_dump();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
