/* The twin of held_semaphore: the semaphore counts items that main posts and the worker takes for good. The
 * worker has taken the last one when main forks, and owes no post.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

static sem_t items;

static void item_take(void)
{
	CHECK(sem_wait(&items) == 0);
	worker_stay();
}

static void *worker(void *unused)
{
	(void)unused;
	item_take();
	return NULL;
}

int main(void)
{
	CHECK(sem_init(&items, 0, 0) == 0);
	CHECK(sem_post(&items) == 0);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		other_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
