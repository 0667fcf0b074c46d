/* A worker holds a lock of C11 while main forks; the child runs on and does not happen to need it.
 *
 * expect: possible lock-held-at-fork
 *   lock: mutex normal stats_mutex initialised_at=main
 *   holder: acquired_at=stats_collect<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=other_use<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <threads.h>

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

static mtx_t stats_mutex;

static void stats_collect(void)
{
	CHECK(mtx_lock(&stats_mutex) == thrd_success);
	worker_stay();
	CHECK(mtx_unlock(&stats_mutex) == thrd_success);
}

static void *worker(void *unused)
{
	(void)unused;
	stats_collect();
	return NULL;
}

int main(void)
{
	CHECK(mtx_init(&stats_mutex, mtx_plain) == thrd_success);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		other_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
