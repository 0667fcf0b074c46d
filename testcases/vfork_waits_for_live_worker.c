/* A vfork child waits for a lock that a worker holds. The child shares the parent's memory and the worker
 * lives on: it lets go once the child waits, and the child goes on. Nothing vanished.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile pid_t vfork_pid;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	pthread_barrier_wait(&worker_ready);
	while (!vfork_pid)
		sched_yield();
	wait_until_blocked(vfork_pid, vfork_pid, &table_mutex, sizeof(table_mutex));
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = vfork();

	CHECK(pid >= 0);
	if (pid == 0) {
		vfork_pid = (pid_t)syscall(SYS_gettid);
		pthread_mutex_lock(&table_mutex);
		pthread_mutex_unlock(&table_mutex);
		_exit(0);
	}
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
