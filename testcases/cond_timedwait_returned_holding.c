/* A worker's timed wait has given up: it returns ETIMEDOUT with the mutex taken again, like every
 * return of a condition wait. main forks then, and the child waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal inbox_mutex
 *   holder: acquired_at=inbox_poll<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=inbox_look<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t inbox_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t inbox_filled = PTHREAD_COND_INITIALIZER;

static void inbox_look(void)
{
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
}

static void inbox_poll(void)
{
	const struct timespec long_ago = {.tv_sec = 1};

	CHECK(pthread_cond_timedwait(&inbox_filled, &inbox_mutex, &long_ago) == ETIMEDOUT);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	inbox_poll();
	worker_stay();
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		inbox_look();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
