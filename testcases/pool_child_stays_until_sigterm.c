/* The child gives a job to the pool without threads, and goes on without the answer: its main thread stays on
 * a semaphore that the handler of SIGTERM posts, as that of a service does. It waits for its end, not for the
 * pool.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include <semaphore.h>

#include "pool.h"
#include "watch_patience.h"

static sem_t asked_to_end;

static void on_signal(int number)
{
	(void)number;
	sem_post(&asked_to_end);
}

static void child_run(void)
{
	struct job job;

	CHECK(sem_init(&asked_to_end, 0, 0) == 0);
	CHECK(signal(SIGTERM, on_signal) != SIG_ERR);
	job_init(&job);
	pool_post(&job);
	while (sem_wait(&asked_to_end) != 0)
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
	CHECK(wait_until_blocked(pid, pid, &asked_to_end, sizeof(asked_to_end)));
	outlast_the_watch();
	CHECK(kill(pid, SIGTERM) == 0);
	child_succeed(pid);
	_exit(0);
}
