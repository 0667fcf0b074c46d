/* The prepare handler joins a worker that goes on once main waits for it: fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t job_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;

static void *worker(void *unused)
{
	pthread_barrier_wait(&worker_ready);
	wait_until_blocked(getpid(), getpid(), NULL, 0);
	CHECK(pthread_mutex_lock(&job_mutex) == 0);
	CHECK(pthread_mutex_unlock(&job_mutex) == 0);
	return unused;
}

static void worker_end(void)
{
	CHECK(pthread_join(thread, NULL) == 0);
}

static pid_t job_fork(void)
{
	pid_t pid;

	CHECK(pthread_mutex_lock(&job_mutex) == 0);
	CHECK(pthread_mutex_unlock(&job_mutex) == 0);
	pid = fork();
	return pid;
}

int main(void)
{
	pid_t pid;

	CHECK(pthread_atfork(worker_end, NULL, NULL) == 0);
	thread = worker_start(worker);
	pid = job_fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
