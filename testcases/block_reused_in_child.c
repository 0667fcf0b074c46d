/* A worker holds the lock inside a heap block. The child frees its copy of the block and gets the same
 * address for another object, with a lock of its own: that one no thread has ever held.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

struct session {
	pthread_mutex_t mutex;
	char text[200];
};

static struct session *session;

static struct session *session_create(void)
{
	struct session *ret = malloc(sizeof(*ret));

	CHECK(ret);
	CHECK(pthread_mutex_init(&ret->mutex, NULL) == 0);
	return ret;
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&session->mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&session->mutex) == 0);
	return NULL;
}

static void session_replace(void)
{
	uintptr_t old = (uintptr_t)session;

	free(session);
	session = session_create();
	CHECK((uintptr_t)session == old);
	CHECK(pthread_mutex_lock(&session->mutex) == 0);
	CHECK(pthread_mutex_unlock(&session->mutex) == 0);
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
		session_replace();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	free(session);
	return 0;
}
