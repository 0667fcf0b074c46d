/* A semaphore begins at zero: a worker is to post it when it is done, and vanishes before it is. The child's
 * only thread waits for that post for ever. That a vanished thread would have posted it cannot be proven.
 *
 * expect: likely waker-vanished
 *   lock: semaphore - done initialised_at=done_init<main
 *   fork: call=fork function=main
 *   victim: call=sem_wait function=wait_until_done<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "case.h"
#include <semaphore.h>

static sem_t done;

static void done_init(void)
{
	CHECK(sem_init(&done, 0, 0) == 0);
}

static void wait_until_done(void)
{
	CHECK(sem_wait(&done) == 0);
}

static void *worker(void *unused)
{
	worker_stay();
	CHECK(sem_post(&done) == 0);
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	done_init();
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		wait_until_done();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
