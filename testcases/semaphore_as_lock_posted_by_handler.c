/* The twin of semaphore_as_lock_catches_sigint: here a handler of SIGUSR1 posts the semaphore, and the parent
 * sends that signal after longer than the watch needs. The child is left alone until then.
 *
 * expect: likely stale-lock-met
 *   lock: semaphore - slot
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_wait function=slot_take<main
 *   count: 1
 * exit: 0
 */
#include "watch_patience.h"
#include <semaphore.h>

static sem_t slot;

static void slot_use(void)
{
	CHECK(sem_wait(&slot) == 0);
	worker_stay();
	CHECK(sem_post(&slot) == 0);
}

static void slot_take(void)
{
	while (sem_wait(&slot) != 0)
		CHECK(errno == EINTR);
	CHECK(sem_post(&slot) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	slot_use();
	return NULL;
}

static void force_open(int number)
{
	(void)number;
	sem_post(&slot);
}

int main(void)
{
	CHECK(sem_init(&slot, 0, 1) == 0);
	CHECK(signal(SIGUSR1, force_open) != SIG_ERR);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		slot_take();
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, &slot, sizeof(slot)));
	outlast_the_watch();
	CHECK(kill(pid, SIGUSR1) == 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
