/* The prepare handler waits for a semaphore that a worker has taken; the worker posts it once main waits:
 * fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t slot;

static void slot_take(void)
{
	CHECK(sem_wait(&slot) == 0);
}

static void slot_give(void)
{
	CHECK(sem_post(&slot) == 0);
}

static void *worker(void *unused)
{
	slot_take();
	pthread_barrier_wait(&worker_ready);
	wait_until_blocked(getpid(), getpid(), &slot, sizeof(slot));
	slot_give();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(sem_init(&slot, 0, 1) == 0);
	CHECK(pthread_atfork(slot_take, slot_give, slot_give) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
