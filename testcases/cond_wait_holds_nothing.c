/* A worker sleeps in pthread_cond_wait while main forks. It locked the mutex before it called, but the
 * wait has let go of it: the child finds it free.
 * That is luck: the worker could have been between two waits.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal inbox_mutex
 *   holder: acquired_at=waiter start_routine=waiter
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=inbox_put<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t inbox_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t inbox_filled = PTHREAD_COND_INITIALIZER;
static int inbox_count;
static volatile pid_t waiter_tid;

static void *waiter(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	waiter_tid = (pid_t)syscall(SYS_gettid);
	while (!inbox_count)
		CHECK(pthread_cond_wait(&inbox_filled, &inbox_mutex) == 0);
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
	return NULL;
}

static void inbox_put(int count)
{
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	inbox_count += count;
	CHECK(pthread_cond_signal(&inbox_filled) == 0);
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, waiter, NULL) == 0);
	while (!waiter_tid)
		sched_yield();
	wait_until_blocked(getpid(), waiter_tid, &inbox_filled, sizeof(inbox_filled));
	pid = fork();
	CHECK(pid >= 0);
	inbox_put(pid ? 1 : 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
