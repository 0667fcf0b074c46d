/* main forks while it has taken the semaphore that it uses as a lock, and the prepare handler waits for it.
 * The only other thread waits for main: nobody will ever post it.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: semaphore - slot
 *   holder: acquired_at=slot_use<main start_routine=-
 *   fork: call=fork function=slot_use<main
 *   victim: call=sem_wait function=slot_take
 *   count: 1
 * exit: 66
 * native: hangs
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

static void *worker(void *unused)
{
	worker_stay();
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
	pthread_t thread = worker_start(worker);
	CHECK(pthread_atfork(slot_take, slot_give, slot_give) == 0);
	pid = slot_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
