/* A thread that the child made took a lock whose waiters sleep on a word of their own, and ended with it. The
 * child hangs, and a thread vanished, but it is not to blame.
 *
 * expect: note other-deadlock
 *   victim: function=futex_call<futex_wait<own_word_await<own_word_lock_take<child<main
 * exit: 0
 */
#include "own_word_lock.h"
#include "watch_patience.h"

static struct own_word_lock queue_lock;
static struct own_word_record owners;

static void *owner(void *unused)
{
	(void)unused;
	own_word_lock_take(&queue_lock, &owners);
	return NULL;
}

static void child(void)
{
	struct own_word_record record;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, owner, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	own_word_lock_take(&queue_lock, &record);
	_exit(0);
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
