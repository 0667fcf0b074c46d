/* A worker locks a lock inside a heap block and never unlocks it; main then frees the block and gets the same
 * address for a new one, whose lock main itself holds while it forks. The worker's old record names
 * the address, but the lock there now is main's: the child's unlock is in order.
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
	return NULL;
}

static void session_use(void)
{
	CHECK(pthread_mutex_unlock(&session->mutex) == 0);
	CHECK(pthread_mutex_lock(&session->mutex) == 0);
	CHECK(pthread_mutex_unlock(&session->mutex) == 0);
}

int main(void)
{
	pthread_t thread;
	uintptr_t old;
	pid_t pid;

	session = session_create();
	thread = worker_start(worker);
	old = (uintptr_t)session;
	free(session);
	session = session_create();
	CHECK((uintptr_t)session == old);
	CHECK(pthread_mutex_lock(&session->mutex) == 0);
	pid = fork();
	CHECK(pid >= 0);
	session_use();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	free(session);
	return 0;
}
