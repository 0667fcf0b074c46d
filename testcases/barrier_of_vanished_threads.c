/* A barrier for main and its worker was made before the fork. The child reaches it alone, and waits for ever.
 *
 * expect: certain waker-vanished
 *   lock: barrier - phase initialised_at=phase_init<main
 *   fork: call=fork function=main
 *   victim: call=pthread_barrier_wait function=phase_end<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_barrier_t phase;

static void phase_init(unsigned count)
{
	CHECK(pthread_barrier_init(&phase, NULL, count) == 0);
}

static void phase_end(void)
{
	int result = pthread_barrier_wait(&phase);

	CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	phase_init(2);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		phase_end();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
