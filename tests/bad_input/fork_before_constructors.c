/* The program forks in its .preinit_array, before the constructor of any library has run. Parent and child
 * both go on to main, and the child makes the usual fault there: it must be found, whatever was not ready at
 * that fork.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker created_at=worker_start<child_main<main
 *   fork: call=fork function=child_main<main
 *   victim: call=pthread_mutex_lock function=child_main<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static pid_t early_pid;

static void fork_early(void)
{
	early_pid = fork();
}

__attribute__((section(".preinit_array"), used)) static void (*const early)(void) = fork_early;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void child_main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_lock(&table_mutex) == 0);
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
}

int main(void)
{
	CHECK(early_pid >= 0);
	if (early_pid == 0) {
		child_main();
		return 0;
	}
	child_succeed(early_pid);
	return 0;
}
