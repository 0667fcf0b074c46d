/* The child waits on a condition variable that it made itself after the fork, and gave no work to anybody
 * before. A hang all the same, so a note.
 *
 * expect: note other-deadlock
 *   lock: condvar - -
 *   victim: function=child<main
 * exit: 0
 */
#include "watch_patience.h"

__attribute__((noreturn, noinline)) static void child(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

	CHECK(pthread_mutex_lock(&mutex) == 0);
	for (;;)
		CHECK(pthread_cond_wait(&condition, &mutex) == 0);
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
