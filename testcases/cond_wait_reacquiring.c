/* A worker was signalled and waits, inside pthread_cond_wait, to get its mutex back, which main holds
 * while it forks. The worker wants the mutex and does not hold it; main's copy in the child holds it,
 * lets go of it and takes it again.
 *
 * expect: nothing
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

static void inbox_leave_and_return(void)
{
	CHECK(pthread_mutex_unlock(&inbox_mutex) == 0);
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
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
	CHECK(pthread_mutex_lock(&inbox_mutex) == 0);
	inbox_count = 1;
	CHECK(pthread_cond_signal(&inbox_filled) == 0);
	wait_until_blocked(getpid(), waiter_tid, &inbox_mutex, sizeof(inbox_mutex));
	pid = fork();
	CHECK(pid >= 0);
	inbox_leave_and_return();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
