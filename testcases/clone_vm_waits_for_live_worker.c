/* A child made by clone() with CLONE_VM runs in the parent's memory: it waits for a lock that a worker
 * holds, the worker lets go, and it goes on. Nothing was copied and nothing vanished.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile pid_t clone_pid;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	pthread_barrier_wait(&worker_ready);
	while (!clone_pid)
		sched_yield();
	wait_until_blocked(clone_pid, clone_pid, &table_mutex, sizeof(table_mutex));
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static int child_main(void *unused)
{
	(void)unused;
	clone_pid = (pid_t)syscall(SYS_gettid);
	pthread_mutex_lock(&table_mutex);
	pthread_mutex_unlock(&table_mutex);
	return 0;
}

int main(void)
{
	static _Alignas(16) char stack[256 * 1024];
	pthread_t thread = worker_start(worker);
	pid_t pid = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

	CHECK(pid >= 0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
