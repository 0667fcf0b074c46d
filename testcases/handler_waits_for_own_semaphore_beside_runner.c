/* main forks while it has taken the semaphore that it uses as a lock, and the prepare handler waits for it.
 * Another thread runs on: it has never posted the semaphore, but who knows that it never would. It ends the
 * process once main waits.
 *
 * expect: likely atfork-handler-deadlock
 *   lock: semaphore - slot
 *   holder: acquired_at=slot_use<main start_routine=-
 *   fork: call=fork function=slot_use<main
 *   victim: call=sem_wait function=slot_take
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t slot;

static void slot_take(void)
{
	CHECK(sem_wait(&slot) == 0);
}

static void slot_give(void)
{
	CHECK(sem_post(&slot) == 0);
}

static void *runner(void *unused)
{
	pthread_barrier_wait(&worker_ready);
	wait_until_blocked(getpid(), getpid(), &slot, sizeof(slot));
	CHECK(kill(getpid(), SIGKILL) == 0);
	return unused;
}

static pid_t slot_use(void)
{
	pid_t pid;

	CHECK(sem_wait(&slot) == 0);
	pid = fork();
	CHECK(sem_post(&slot) == 0);
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
	CHECK(sem_init(&slot, 0, 1) == 0);
	slot_take();
	slot_give();
	worker_start(runner);
	CHECK(pthread_atfork(slot_take, slot_give, slot_give) == 0);
	pid = slot_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
