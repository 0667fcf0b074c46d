/* The twin of held_mtx: the worker has let go of the lock before main forks.
 *
 * expect: nothing
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
	CHECK(mtx_unlock(&stats_mutex) == thrd_success);
	worker_stay();
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
