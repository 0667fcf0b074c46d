/* A worker holds a spinlock while main forks; the child runs on and does not happen to need it.
 *
 * expect: possible lock-held-at-fork
 *   lock: spinlock - count_lock
 *   holder: acquired_at=count_add<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=other_use<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

static pthread_spinlock_t count_lock;

static void count_add(void)
{
	CHECK(pthread_spin_lock(&count_lock) == 0);
	worker_stay();
	CHECK(pthread_spin_unlock(&count_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	count_add();
	return NULL;
}

int main(void)
{
	CHECK(pthread_spin_init(&count_lock, PTHREAD_PROCESS_PRIVATE) == 0);
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
