/* The child waits with a time limit for a lock that a worker of the parent holds. The limit has passed
 * already, it gets ETIMEDOUT and goes on without the lock.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal stats_mutex
 *   holder: acquired_at=stats_collect<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_timedlock function=stats_dump<main
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
	const struct timespec long_ago = {.tv_sec = 1};

	CHECK(pthread_mutex_timedlock(&stats_mutex, &long_ago) == ETIMEDOUT);
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
