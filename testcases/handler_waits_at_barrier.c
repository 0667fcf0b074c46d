/* main forks while it holds job_mutex; the prepare handler meets the worker at a barrier, and the worker
 * waits for job_mutex first: fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: barrier - pool_barrier
 *   fork: call=fork function=job_fork<main
 *   victim: call=pthread_barrier_wait function=pool_meet
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t job_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t pool_barrier;

static void *worker(void *unused)
{
	pthread_barrier_wait(&worker_ready);
	CHECK(pthread_mutex_lock(&job_mutex) == 0);
	CHECK(pthread_mutex_unlock(&job_mutex) == 0);
	pthread_barrier_wait(&pool_barrier);
	return unused;
}

static void pool_meet(void)
{
	pthread_barrier_wait(&pool_barrier);
}

static pthread_t thread;

static pid_t job_fork(void)
{
	pid_t pid;

	CHECK(pthread_mutex_lock(&job_mutex) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pthread_mutex_unlock(&job_mutex) == 0);
	return pid;
}

int main(int argc, char *argv[])
{
	pid_t pid;

	(void)argv;
	if (argc == 1) {
		story_play();
		return 0;
	}
	CHECK(pthread_barrier_init(&pool_barrier, NULL, 2) == 0);
	CHECK(pthread_atfork(pool_meet, NULL, NULL) == 0);
	pid = job_fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
