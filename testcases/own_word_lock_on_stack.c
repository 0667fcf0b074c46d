/* A home-made lock whose waiters sleep on a word on their own stack: a worker holds it while main forks, the
 * child queues itself and waits for ever. The word that it sleeps on is its own; the queue is the lock's.
 *
 * expect: likely waker-vanished
 *   lock: futex - queue_lock.last
 *   fork: call=fork function=main
 *   victim: function=futex_call<futex_wait<own_word_await<own_word_lock_take<queue_enter<child<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include "own_word_lock.h"

static struct own_word_lock queue_lock;

static void queue_enter(struct own_word_record *record)
{
	own_word_lock_take(&queue_lock, record);
}

static void *worker(void *unused)
{
	struct own_word_record record;

	(void)unused;
	queue_enter(&record);
	worker_stay();
	own_word_lock_release(&queue_lock, &record);
	return NULL;
}

static void child(void)
{
	struct own_word_record record;

	queue_enter(&record);
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
