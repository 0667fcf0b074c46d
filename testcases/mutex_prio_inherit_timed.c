/* A worker holds a priority-inheriting mutex while main forks. The child asks for it with a time limit that
 * has passed: all the same libc ends the child, since the kernel finds that the owner is no thread of the
 * child.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal state_mutex initialised_at=state_init<main
 *   holder: acquired_at=state_hold<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_timedlock function=state_get<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t state_mutex;

static void state_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
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
	const struct timespec long_ago = {.tv_sec = 1};

	CHECK(pthread_mutex_timedlock(&state_mutex, &long_ago) == ETIMEDOUT);
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
