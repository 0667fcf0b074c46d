/* A worker holds a priority-inheriting mutex while main forks. The child initialises it anew before it uses
 * it.
 *
 * expect: nothing
 * exit: 0
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
		state_init();
		state_get();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
