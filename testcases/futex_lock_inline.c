/* A home-made lock that calls the kernel without any function of libc: a worker holds it while main forks,
 * and nothing but a look from outside can see that the child waits for ever.
 *
 * expect: likely waker-vanished
 *   lock: futex - queue_lock.word
 *   fork: call=fork function=main
 *   victim: function=futex_call<futex_wait<futex_lock_take<queue_enter<child<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "futex_lock.h"

static struct futex_lock queue_lock;

static void queue_enter(void)
{
	futex_lock_take(&queue_lock);
}

static void *worker(void *unused)
{
	(void)unused;
	queue_enter();
	worker_stay();
	futex_lock_release(&queue_lock);
	return NULL;
}

static void child(void)
{
	queue_enter();
	_exit(0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
