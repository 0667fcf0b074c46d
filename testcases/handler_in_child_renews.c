/* The twin of the child handlers that meet what a worker held: this one makes the locks anew.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

#include <semaphore.h>

static pthread_rwlock_t pool_rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t pool_spinlock;
static sem_t pool_semaphore;

static void make(void)
{
	CHECK(pthread_rwlock_init(&pool_rwlock, NULL) == 0);
	CHECK(pthread_spin_init(&pool_spinlock, PTHREAD_PROCESS_PRIVATE) == 0);
	CHECK(sem_init(&pool_semaphore, 0, 1) == 0);
}

static void take(void)
{
	CHECK(pthread_rwlock_wrlock(&pool_rwlock) == 0);
	CHECK(pthread_spin_lock(&pool_spinlock) == 0);
	CHECK(sem_wait(&pool_semaphore) == 0);
}

static void give(void)
{
	CHECK(sem_post(&pool_semaphore) == 0);
	CHECK(pthread_spin_unlock(&pool_spinlock) == 0);
	CHECK(pthread_rwlock_unlock(&pool_rwlock) == 0);
}

static void pool_reset(void)
{
	make();
	take();
	give();
}

static void *worker(void *unused)
{
	(void)unused;
	take();
	worker_stay();
	give();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	make();
	CHECK(pthread_atfork(NULL, NULL, pool_reset) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
