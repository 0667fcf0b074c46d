/* A worker's pthread_cond_wait has returned, and so the worker holds the mutex again: it was taken
 * inside the wait. main forks then, and the child waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal inbox_mutex
 *   holder: acquired_at=inbox_take<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=inbox_put<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t inbox_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t inbox_filled = PTHREAD_COND_INITIALIZER;
static int inbox_count;

static void inbox_put(void)
{
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	inbox_count++;
	CHECK(pthread_cond_signal(&inbox_filled) == 0);
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
}

static void inbox_take(void)
{
	while (!inbox_count)
		CHECK(pthread_cond_wait(&inbox_filled, &inbox_mutex) == 0);
	inbox_count--;
}

static void *sender(void *unused)
{
	(void)unused;
	inbox_put();
	return NULL;
}

static void *worker(void *unused)
{
	pthread_t thread;

	(void)unused;
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	CHECK(pthread_create(&thread, NULL, sender, NULL) == 0);
	inbox_take();
	worker_stay();
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		inbox_put();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
