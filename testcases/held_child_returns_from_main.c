/* A worker holds a lock while main forks; the child returns from main().
 *
 * expect: possible lock-held-at-fork
 *   lock: mutex normal stats_mutex
 *   holder: acquired_at=stats_collect<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=exit
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

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		return 0;
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
