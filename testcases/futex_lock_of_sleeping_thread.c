/* The child's own thread holds a home-made lock and sleeps for a while: the child waits for a thread that
 * lives.
 *
 * expect: nothing
 * exit: 0
 */
#include "futex_lock.h"
#include "watch_patience.h"

static struct futex_lock queue_lock;
static pthread_barrier_t taken;

static void *owner(void *unused)
{
	(void)unused;
	futex_lock_take(&queue_lock);
	pthread_barrier_wait(&taken);
	outlast_the_watch();
	futex_lock_release(&queue_lock);
	return NULL;
}

static void child(void)
{
	pthread_t thread;

	CHECK(pthread_barrier_init(&taken, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, owner, NULL) == 0);
	pthread_barrier_wait(&taken);
	futex_lock_take(&queue_lock);
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
