/* A thread of C11 has taken the lock and let go of it before main forks; it sleeps in cnd_wait, without the
 * lock. The child finds the lock free, by luck.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal inbox_mutex initialised_at=main
 *   holder: acquired_at=waiter start_routine=waiter
 *   fork: call=fork function=main
 *   victim: call=mtx_lock function=inbox_put<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <threads.h>

static mtx_t inbox_mutex;
static cnd_t inbox_filled;
static int inbox_count;
static volatile pid_t waiter_tid;

static int waiter(void *unused)
{
	(void)unused;
	CHECK(mtx_lock(&inbox_mutex) == thrd_success);
	waiter_tid = (pid_t)syscall(SYS_gettid);
	while (!inbox_count)
		CHECK(cnd_wait(&inbox_filled, &inbox_mutex) == thrd_success);
	CHECK(mtx_unlock(&inbox_mutex) == thrd_success);
	return 0;
}

static void inbox_put(int count)
{
	CHECK(mtx_lock(&inbox_mutex) == thrd_success);
	inbox_count += count;
	CHECK(cnd_signal(&inbox_filled) == thrd_success);
	CHECK(mtx_unlock(&inbox_mutex) == thrd_success);
}

int main(void)
{
	thrd_t thread;
	pid_t pid;

	CHECK(mtx_init(&inbox_mutex, mtx_plain) == thrd_success);
	CHECK(cnd_init(&inbox_filled) == thrd_success);
	CHECK(thrd_create(&thread, waiter, NULL) == thrd_success);
	while (!waiter_tid)
		sched_yield();
	wait_until_blocked(getpid(), waiter_tid, &inbox_filled, sizeof(inbox_filled));
	pid = fork();
	CHECK(pid >= 0);
	inbox_put(pid ? 1 : 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(thrd_join(thread, NULL) == thrd_success);
	return 0;
}
