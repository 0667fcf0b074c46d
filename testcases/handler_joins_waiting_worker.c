/* main forks while it holds job_mutex, and the prepare handler joins a worker that waits for job_mutex: fork
 * never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: thread - -
 *   holder: start_routine=worker created_at=worker_start<job_fork acquired_at=-
 *   fork: call=fork function=job_fork<main
 *   victim: call=pthread_join function=worker_end
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t job_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;

static void *worker(void *unused)
{
	pthread_barrier_wait(&worker_ready);
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
	CHECK(pthread_atfork(worker_end, NULL, NULL) == 0);
	pid = job_fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
