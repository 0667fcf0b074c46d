/* The lock is a local variable of main, shared with a worker by address. It is copied with main's stack, and
 * the child waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal -
 *   holder: acquired_at=request_serve<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=request_cancel<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

struct request {
	pthread_mutex_t mutex;
	int cancelled;
};

static struct request *volatile current;

static void request_serve(struct request *request)
{
	CHECK(pthread_mutex_lock(&request->mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&request->mutex) == 0);
}

static void request_cancel(struct request *request)
{
	CHECK(pthread_mutex_lock(&request->mutex) == 0);
	request->cancelled = 1;
	CHECK(pthread_mutex_unlock(&request->mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	request_serve(current);
	return NULL;
}

int main(void)
{
	struct request request = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	pthread_t thread;
	pid_t pid;

	current = &request;
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		request_cancel(&request);
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
