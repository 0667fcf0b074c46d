/* Two children give a job to the pool without threads, and go on without the answer: the main thread stays on
 * a semaphore that the handler of SIGTERM posts, as that of a service does. It waits for its end, not for the
 * pool. The first one makes the semaphore before it gives the job, the second one after, as Python makes one
 * for each wait for an event.
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

static void give_job(void)
{
	static struct job job;

	job_init(&job);
	pool_post(&job);
}

static void make_semaphore(void)
{
	CHECK(sem_init(&asked_to_end, 0, 0) == 0);
	CHECK(signal(SIGTERM, on_signal) != SIG_ERR);
}

static pid_t begin(void (*first)(void), void (*second)(void))
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	first();
	second();
	while (sem_wait(&asked_to_end) != 0)
		CHECK(errno == EINTR);
	_exit(0);
}

int main(void)
{
	pid_t children[2];

	pool_start();
	children[0] = begin(make_semaphore, give_job);
	children[1] = begin(give_job, make_semaphore);
	for (int i = 0; i < 2; i++)
		CHECK(wait_until_blocked(children[i], children[i], &asked_to_end, sizeof(asked_to_end)));
	outlast_the_watch();
	for (int i = 0; i < 2; i++) {
		CHECK(kill(children[i], SIGTERM) == 0);
		child_succeed(children[i]);
	}
	_exit(0);
}
