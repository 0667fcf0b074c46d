/* A worker fills a queue and signals a condition variable. After the fork no one does; the child waits with a
 * time limit, which is over at once, and goes on.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal queue_mutex
 *   holder: acquired_at=queue_put<worker start_routine=worker
 *   victim: call=pthread_mutex_lock function=queue_poll
 *   count: 1
 * exit: 0
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

static void queue_poll(void)
{
	struct timespec past = {0};

	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	CHECK(pthread_cond_timedwait(&queue_filled, &queue_mutex, &past) == ETIMEDOUT);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	queue_get();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		queue_poll();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
