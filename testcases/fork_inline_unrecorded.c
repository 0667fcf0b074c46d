/* The fork is a system call of the program's own, the lock home-made: the library sees nothing of it and has
 * not made a trace file when the child hangs. The watch from outside makes one.
 *
 * expect: likely waker-vanished
 *   lock: futex - queue_lock.word
 *   holder: acquired_at=-
 *   fork: call=- function=-
 *   victim: function=futex_call<futex_wait<futex_lock_take<queue_enter<child<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "futex_lock.h"
#include "inline_fork.h"

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
	pid_t pid = inline_fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
