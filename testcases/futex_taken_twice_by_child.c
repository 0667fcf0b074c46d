/* The child takes a home-made lock that was free at the fork, and takes it again. A thread vanished, but it
 * is not to blame. From outside this looks like a child that waits for the vanished thread, since such a lock
 * names no owner: it may be told as likely, but never as certain.
 *
 * expect: likely waker-vanished
 *   lock: futex - queue_lock.word
 *   holder: acquired_at=-
 *   victim: function=futex_call<futex_wait<futex_lock_take<queue_enter<child<main
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
	futex_lock_release(&queue_lock);
	worker_stay();
	return NULL;
}

static void child(void)
{
	queue_enter();
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
