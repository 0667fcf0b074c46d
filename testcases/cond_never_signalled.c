/* A worker is to signal the end of its start, and vanishes before it does. Nobody has used the condition
 * variable so far: it is there since the program began, and the child's only thread waits on it for ever.
 * That a vanished thread would have signalled it cannot be proven.
 *
 * expect: likely waker-vanished
 *   lock: condvar - started
 *   fork: call=fork function=main
 *   victim: call=pthread_cond_wait function=wait_for_start<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;
static int is_started;

static void wait_for_start(void)
{
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	while (!is_started)
		CHECK(pthread_cond_wait(&started, &start_mutex) == 0);
	CHECK(pthread_mutex_unlock(&start_mutex) == 0);
}

static void *worker(void *unused)
{
	worker_stay();
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	is_started = 1;
	CHECK(pthread_cond_signal(&started) == 0);
	CHECK(pthread_mutex_unlock(&start_mutex) == 0);
	return unused;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		wait_for_start();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
