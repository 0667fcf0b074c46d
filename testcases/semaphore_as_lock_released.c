/* A semaphore of one is used as a lock, and no one has taken it while main forks. The child finds it free, by
 * luck.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: semaphore - slot initialised_at=slot_init<main
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_wait function=slot_take<main
 *   count: 1
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

int main(void)
{
	slot_init();
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
