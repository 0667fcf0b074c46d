/* The worker locks, and main unlocks in its place, before the fork: legal for a normal mutex. The worker
 * lives on and never unlocks, but the lock is free, in the parent as in the child.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t baton_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
	worker_stay();
	return NULL;
}

static void baton_use(void)
{
	CHECK(pthread_mutex_trylock(&baton_mutex) == 0);
	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	pid = fork();
	CHECK(pid >= 0);
	baton_use();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
