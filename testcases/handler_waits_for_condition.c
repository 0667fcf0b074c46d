/* main forks while it holds job_mutex; the prepare handler waits until the worker is idle, and the worker
 * waits for job_mutex first: fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: condvar - pool_idle
 *   holder: start_routine=-
 *   fork: call=fork function=job_fork<main
 *   victim: call=pthread_cond_wait function=pool_rest
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pool_idle = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t job_mutex = PTHREAD_MUTEX_INITIALIZER;
static int busy = 1;

static void *worker(void *unused)
{
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	CHECK(pthread_mutex_lock(&job_mutex) == 0);
	CHECK(pthread_mutex_unlock(&job_mutex) == 0);
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	busy = 0;
	CHECK(pthread_cond_signal(&pool_idle) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	return unused;
}

static void pool_rest(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	while (busy)
		CHECK(pthread_cond_wait(&pool_idle, &pool_mutex) == 0);
}

static void pool_go_on(void)
{
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
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
	CHECK(pthread_atfork(pool_rest, pool_go_on, pool_go_on) == 0);
	pid = job_fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
