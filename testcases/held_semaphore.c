/* A semaphore of one is used as a lock: who takes it posts it. A worker does so twice, and has it the second
 * time while main forks; the child runs on and does not happen to need it.
 *
 * expect: possible lock-held-at-fork
 *   lock: semaphore - slot initialised_at=main
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=other_use<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

static sem_t slot;

static void slot_use(void)
{
	CHECK(sem_wait(&slot) == 0);
	CHECK(sem_post(&slot) == 0);
	CHECK(sem_wait(&slot) == 0);
	worker_stay();
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
	CHECK(sem_init(&slot, 0, 1) == 0);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		other_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
