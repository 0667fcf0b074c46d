/* The twin of semaphore_as_lock_released: fork handlers take the semaphore before the fork and post it on
 * both sides.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t slot;

static void slot_init(void)
{
	CHECK(sem_init(&slot, 0, 1) == 0);
}

static void slot_use(void)
{
	CHECK(sem_wait(&slot) == 0);
	CHECK(sem_post(&slot) == 0);
	worker_stay();
}

static void slot_take(void)
{
	CHECK(sem_wait(&slot) == 0);
	CHECK(sem_post(&slot) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	slot_use();
	return NULL;
}

static void slot_before(void)
{
	CHECK(sem_wait(&slot) == 0);
}

static void slot_after(void)
{
	CHECK(sem_post(&slot) == 0);
}

int main(void)
{
	slot_init();
	CHECK(pthread_atfork(slot_before, slot_after, slot_after) == 0);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		slot_take();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
