/* A worker holds a spinlock while main forks. The child spins on its copy for ever, until afterfork has seen
 * it burn CPU for long enough. The lock is one word that names nobody; the worker's record does.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: spinlock - count_lock initialised_at=count_init<main
 *   holder: acquired_at=count_add<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_spin_lock function=count_read<main
 *   count: 1
 * exit: 66
 * native: loops
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
	worker_stay();
	CHECK(pthread_spin_unlock(&count_lock) == 0);
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
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
