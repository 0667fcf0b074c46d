/* A child handler without its prepare handler: it takes in the child a semaphore that a worker of the parent
 * has taken, and the child never returns from fork.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: semaphore - pool_semaphore initialised_at=main
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_wait function=pool_reset
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

#include <semaphore.h>

static sem_t pool_semaphore;

static void pool_reset(void)
{
	CHECK(sem_wait(&pool_semaphore) == 0);
	CHECK(sem_post(&pool_semaphore) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(sem_wait(&pool_semaphore) == 0);
	worker_stay();
	CHECK(sem_post(&pool_semaphore) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(sem_init(&pool_semaphore, 0, 1) == 0);
	thread = worker_start(worker);
	CHECK(pthread_atfork(NULL, NULL, pool_reset) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
