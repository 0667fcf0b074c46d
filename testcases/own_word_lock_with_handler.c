/* The child waits in the queue of a lock that a vanished thread holds, on a word of its own. Its signal
 * handler, which may know the record, ends the wait: nothing may be told of it.
 *
 * expect: nothing
 * exit: 0
 */
#include "own_word_lock.h"
#include "watch_patience.h"

static struct own_word_lock queue_lock;
static struct own_word_record *waiting;

static void on_signal(int number)
{
	(void)number;
	own_word_end(&waiting->is_first);
}

static void *worker(void *unused)
{
	struct own_word_record record;

	(void)unused;
	own_word_lock_take(&queue_lock, &record);
	worker_stay();
	own_word_lock_release(&queue_lock, &record);
	return NULL;
}

static void child(void)
{
	struct own_word_record record;

	waiting = &record;
	own_word_lock_take(&queue_lock, &record);
	_exit(0);
}

int main(void)
{
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	CHECK(wait_until_blocked(pid, pid, NULL, 0));
	outlast_the_watch();
	CHECK(kill(pid, SIGUSR1) == 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
