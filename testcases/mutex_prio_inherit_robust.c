/* A worker holds a mutex that is priority-inheriting and robust while main forks. Of such a one libc expects
 * that the kernel hands it on when the owner ends, and waits for that: on a word of its own, for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal state_mutex initialised_at=state_init<main
 *   holder: acquired_at=state_hold<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=state_get<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t state_mutex;

static void state_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&state_mutex, &attributes) == 0);
}

static void state_hold(void)
{
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
}

static void state_get(void)
{
	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	state_hold();
	return NULL;
}

int main(void)
{
	state_init();
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		state_get();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
