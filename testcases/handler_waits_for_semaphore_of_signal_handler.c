/* main forks while it has taken the semaphore, and the prepare handler waits for it. No other thread is
 * there, but a signal handler posts it: fork goes on.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t slot;

/* The signal may be handled in the middle of it. */
static void slot_take(void)
{
	while (sem_wait(&slot) != 0)
		CHECK(errno == EINTR);
}

static void slot_give(void)
{
	CHECK(sem_post(&slot) == 0);
}

static void post_slot(int number)
{
	(void)number;
	sem_post(&slot);
}

/* A process of its own, which sends the signal once main is asleep. */
static pid_t wake_later(void)
{
	pid_t main_pid = getpid(), pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		wait_until_blocked(main_pid, main_pid, &slot, sizeof(slot));
		CHECK(kill(main_pid, SIGUSR1) == 0);
		_exit(0);
	}
	return pid;
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
	pid_t pid, waker;

	(void)argv;
	if (argc == 1) {
		story_play();
		return 0;
	}
	CHECK(sem_init(&slot, 0, 1) == 0);
	CHECK(signal(SIGUSR1, post_slot) != SIG_ERR);
	waker = wake_later();
	CHECK(pthread_atfork(slot_take, slot_give, slot_give) == 0);
	pid = slot_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	child_succeed(waker);
	return 0;
}
