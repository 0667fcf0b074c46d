/* The twin of barrier_destroyed_with_waiter: the round is over, and the worker has left the barrier before
 * main forks.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_barrier_t phase;

static void phase_init(void)
{
	CHECK(pthread_barrier_init(&phase, NULL, 2) == 0);
}

static void phase_drop(void)
{
	CHECK(pthread_barrier_destroy(&phase) == 0);
}

static void phase_end(void)
{
	int result = pthread_barrier_wait(&phase);

	CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void *worker(void *unused)
{
	(void)unused;
	phase_end();
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	phase_init();
	CHECK(pthread_barrier_init(&worker_ready, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&worker_done, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	phase_end();
	pthread_barrier_wait(&worker_ready);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		phase_drop();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
