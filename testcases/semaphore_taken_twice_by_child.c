/* A semaphore begins at one, as a lock does. The child takes it twice and waits for itself: no fork is to
 * blame.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t gate;

static void gate_init(void)
{
	CHECK(sem_init(&gate, 0, 1) == 0);
}

static void pass_twice(void)
{
	CHECK(sem_wait(&gate) == 0);
	CHECK(sem_wait(&gate) == 0);
}

static void *worker(void *unused)
{
	worker_stay();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	gate_init();
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pass_twice();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
