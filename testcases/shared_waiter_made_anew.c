/* A worker waits for a condition, its mutex free, when main forks. The child makes both anew before it takes
 * the mutex: whatever the worker did with it does not matter any more.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static int is_over;

static void queue_take(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	while (!is_over)
		CHECK(pthread_cond_wait(&queue_filled, &queue_mutex) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void queue_end(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	is_over = 1;
	CHECK(pthread_cond_signal(&queue_filled) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	queue_take();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	wait_until_blocked(getpid(), worker_tid, &queue_filled, sizeof(queue_filled));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_init(&queue_mutex, NULL) == 0);
		CHECK(pthread_cond_init(&queue_filled, NULL) == 0);
		queue_end();
		_exit(0);
	}
	child_succeed(pid);
	queue_end();
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
