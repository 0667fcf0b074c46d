/* The worker locked a recursive mutex twice and unlocked it once: it still holds it, since its first lock.
 * The child waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex recursive table_mutex
 *   holder: acquired_at=table_enter<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=table_enter<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void table_enter(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
}

static void table_count(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_enter();
	table_count();
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_enter();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
