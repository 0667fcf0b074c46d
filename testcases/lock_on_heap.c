/* The lock lies in a heap block and has no name of its own: what tells it is where it was initialised.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal - initialised_at=session_create<main
 *   holder: acquired_at=session_use<worker start_routine=worker created_at=worker_start<main
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=session_close<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

struct session {
	int users;
	pthread_mutex_t mutex;
};

static struct session *session;

static struct session *session_create(void)
{
	struct session *ret = calloc(1, sizeof(*ret));

	CHECK(ret);
	CHECK(pthread_mutex_init(&ret->mutex, NULL) == 0);
	return ret;
}

static void session_use(void)
{
	CHECK(pthread_mutex_lock(&session->mutex) == 0);
	session->users++;
	worker_stay();
	CHECK(pthread_mutex_unlock(&session->mutex) == 0);
}

static void session_close(void)
{
	CHECK(pthread_mutex_lock(&session->mutex) == 0);
	session->users--;
	CHECK(pthread_mutex_unlock(&session->mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	session_use();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	session = session_create();
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		session_close();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
