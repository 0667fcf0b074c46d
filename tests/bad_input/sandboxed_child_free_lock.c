/* The child enters strict seccomp and uses a lock that is free, with a worker in the parent that used it
 * before: it makes no system call natively, and must make none under afterfork, or the kernel kills it.
 * That the lock is free is luck, and is told without a system call, too.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=table_use<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include "strict_seccomp.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_use(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_use();
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		strict_seccomp_enter();
		table_use();
		syscall(SYS_exit, 0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
