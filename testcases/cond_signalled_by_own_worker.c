/* A worker fills a queue and signals a condition variable. The child starts a worker of its own, and is
 * signalled. Its mutex was free at the fork by luck only.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal queue_mutex
 *   holder: acquired_at=queue_put<worker start_routine=worker
 *   victim: call=pthread_mutex_lock function=queue_get
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

static void *own_worker(void *unused)
{
	(void)unused;
	wait_until_blocked(getpid(), getpid(), &queue_filled, sizeof(queue_filled));
	queue_put();
	return NULL;
}

static void queue_run(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, own_worker, NULL) == 0);
	queue_get();
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	queue_get();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		queue_run();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
