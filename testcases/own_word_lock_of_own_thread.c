/* The child's own thread holds a lock whose waiters sleep on a word of their own, and hands it over later:
 * the child waits for a thread that lives.
 *
 * expect: nothing
 * exit: 0
 */
#include "own_word_lock.h"
#include "watch_patience.h"

static struct own_word_lock queue_lock;
static pthread_barrier_t taken;

static void *owner(void *unused)
{
	struct own_word_record record;

	(void)unused;
	own_word_lock_take(&queue_lock, &record);
	pthread_barrier_wait(&taken);
	outlast_the_watch();
	own_word_lock_release(&queue_lock, &record);
	return NULL;
}

static void child(void)
{
	struct own_word_record record;
	pthread_t thread;

	CHECK(pthread_barrier_init(&taken, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, owner, NULL) == 0);
	pthread_barrier_wait(&taken);
	own_word_lock_take(&queue_lock, &record);
	own_word_lock_release(&queue_lock, &record);
	CHECK(pthread_join(thread, NULL) == 0);
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
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
