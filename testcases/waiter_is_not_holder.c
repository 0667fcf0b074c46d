/* Two threads want the lock at the fork: one holds it, the other waits for it. Both vanish; the one to name
 * is the holder.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile pid_t waiter_tid;

static void table_write(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_write();
	return NULL;
}

static void *waiter(void *unused)
{
	(void)unused;
	waiter_tid = (pid_t)syscall(SYS_gettid);
	table_read();
	return NULL;
}

int main(void)
{
	pthread_t holding = worker_start(worker), waiting;
	pid_t pid;

	CHECK(pthread_create(&waiting, NULL, waiter, NULL) == 0);
	while (!waiter_tid)
		sched_yield();
	wait_until_blocked(getpid(), waiter_tid, &table_mutex, sizeof(table_mutex));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(holding);
	CHECK(pthread_join(waiting, NULL) == 0);
	return 0;
}
