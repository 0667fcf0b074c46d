/* The child waits on an object that it made itself after the fork, until it is ended: no vanished thread ever
 * knew of it. A hang all the same, so a note.
 *
 * expect: note other-deadlock
 *   lock: futex - -
 *   victim: function=futex_call<futex_wait<child<main
 * exit: 0
 */
#include <sys/mman.h>

#include "futex_lock.h"
#include "watch_patience.h"

static void child(void)
{
	int *word = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(word != MAP_FAILED);
	for (;;)
		futex_wait(word + 1024, 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_kill_when_told(pid, NULL, 0);
	worker_finish(thread);
	return 0;
}
