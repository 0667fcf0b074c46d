/* A worker fills a queue and signals a condition variable. After the fork no one does, and the child waits
 * for the next item for ever.
 *
 * expect: certain waker-vanished
 *   lock: condvar - queue_filled
 *   holder: acquired_at=queue_put<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_cond_wait function=queue_get<main
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal queue_mutex
 *   holder: acquired_at=queue_put<worker start_routine=worker
 *   victim: call=pthread_mutex_lock function=queue_get
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static int queue_length;

static void queue_put(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	queue_length++;
	CHECK(pthread_cond_signal(&queue_filled) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void queue_get(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	while (queue_length == 0)
		CHECK(pthread_cond_wait(&queue_filled, &queue_mutex) == 0);
	queue_length--;
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	queue_put();
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	queue_get();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		queue_get();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
