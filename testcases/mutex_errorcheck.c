/* A worker holds a mutex of type errorcheck while main forks. An error-checking mutex refuses a relock by its
 * owner only: the child's main is not the owner, so it gets no error and waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex errorcheck queue_mutex initialised_at=queue_init
 *   holder: acquired_at=queue_drain start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=queue_push
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t queue_mutex;

static void queue_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
	CHECK(pthread_mutex_init(&queue_mutex, &attributes) == 0);
}

static void queue_drain(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void queue_push(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	queue_drain();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	queue_init();
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		queue_push();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
