/* A worker has come to a barrier and waits there for main, which forks. The child gives the barrier up: its
 * destruction waits until the worker has left, for ever.
 *
 * expect: certain waker-vanished
 *   lock: barrier - phase initialised_at=phase_init<main
 *   fork: call=fork function=main
 *   victim: call=pthread_barrier_destroy function=phase_drop<main
 *   count: 1
 * exit: 66
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
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	phase_end();
	pthread_barrier_wait(&worker_done);
	return NULL;
}

int main(void)
{
	phase_init();
	pthread_t thread = worker_start(worker);
	CHECK(wait_until_blocked(getpid(), worker_tid, &phase, sizeof(phase)));
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		phase_drop();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	phase_end();
	worker_finish(thread);
	return 0;
}
