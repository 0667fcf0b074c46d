/* A worker of the parent posts a semaphore in memory that parent and child share: it lives on, and the
 * child's wait ends.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>
#include <sys/mman.h>

static sem_t *replies;

static void replies_init(void)
{
	replies = mmap(NULL, sizeof(*replies), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(replies != MAP_FAILED);
	CHECK(sem_init(replies, 1, 0) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(sem_post(replies) == 0);
	CHECK(sem_wait(replies) == 0);
	worker_stay();
	CHECK(sem_post(replies) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	replies_init();
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(sem_wait(replies) == 0);
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, replies, sizeof(*replies)));
	worker_finish(thread);
	child_succeed(pid);
	return 0;
}
