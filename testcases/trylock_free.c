/* The worker has let go of the lock, and the child's trylock gets it: a trylock that works met no stale lock,
 * by luck.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal stats_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=stats_dump<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t stats_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&stats_mutex) == 0);
	CHECK(pthread_mutex_unlock(&stats_mutex) == 0);
	worker_stay();
	return NULL;
}

static void stats_dump(void)
{
	const struct timespec long_ago = {.tv_sec = 1};

	CHECK(pthread_mutex_trylock(&stats_mutex) == 0);
	CHECK(pthread_mutex_unlock(&stats_mutex) == 0);
	CHECK(pthread_mutex_timedlock(&stats_mutex, &long_ago) == 0);
	CHECK(pthread_mutex_unlock(&stats_mutex) == 0);
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
