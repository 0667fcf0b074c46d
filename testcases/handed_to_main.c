/* A worker locks, main unlocks in its place and takes the lock itself, and forks while it holds it. The
 * worker's record still names the lock, but the copy in the child is main's own: its unlock is in order.
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

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
	pid = fork();
	CHECK(pid >= 0);
	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	CHECK(pthread_mutex_lock(&baton_mutex) == 0);
	CHECK(pthread_mutex_unlock(&baton_mutex) == 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
