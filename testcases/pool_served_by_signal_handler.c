/* The child gives a job to the pool without threads, and waits for it on a semaphore of its own. A signal
 * handler posts that, after a while: such a wait is not hopeless.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include <semaphore.h>

#include "pool.h"
#include "watch_patience.h"

static sem_t answered;

static void on_signal(int number)
{
	(void)number;
	sem_post(&answered);
}

static void child_run(void)
{
	struct job job;

	CHECK(sem_init(&answered, 0, 0) == 0);
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	job_init(&job);
	pool_post(&job);
	while (sem_wait(&answered) != 0)
		CHECK(errno == EINTR);
}

int main(void)
{
	pid_t pid;

	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, &answered, sizeof(answered)));
	outlast_the_watch();
	CHECK(kill(pid, SIGUSR1) == 0);
	child_succeed(pid);
	_exit(0);
}
