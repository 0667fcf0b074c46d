/* As cond_never_signalled, but the child initialises the condition variable itself before it waits: what it
 * waits for has nothing to do with the parent's threads.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;

static void wait_for_start(void)
{
	CHECK(pthread_cond_init(&started, NULL) == 0);
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	for (;;)
		CHECK(pthread_cond_wait(&started, &start_mutex) == 0);
}

static void *worker(void *unused)
{
	worker_stay();
	return unused;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		wait_for_start();
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
