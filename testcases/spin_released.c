/* A worker has used a spinlock, and waits elsewhere while main forks: the child takes it. It hangs
 * where the worker happens to hold it at the fork.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: spinlock - count_lock
 *   holder: acquired_at=count_add<worker start_routine=worker
 *   victim: call=pthread_spin_lock function=count_read
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_spinlock_t count_lock;

static void count_init(void)
{
	CHECK(pthread_spin_init(&count_lock, PTHREAD_PROCESS_PRIVATE) == 0);
}

static void count_add(void)
{
	CHECK(pthread_spin_lock(&count_lock) == 0);
	CHECK(pthread_spin_unlock(&count_lock) == 0);
	worker_stay();
}

static void count_read(void)
{
	CHECK(pthread_spin_lock(&count_lock) == 0);
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
	count_init();
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		count_read();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
