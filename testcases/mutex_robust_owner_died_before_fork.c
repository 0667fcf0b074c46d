/* The robust mutex of a thread that ended while holding it is handed on: the child's lock returns
 * EOWNERDEAD at once and the child recovers, as any process would. No fork is to blame and no one waits.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t queue_mutex;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	return NULL;
}

static void queue_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&queue_mutex, &attributes) == 0);
}

static void queue_recover(void)
{
	CHECK(pthread_mutex_lock(&queue_mutex) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&queue_mutex) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
	CHECK(pthread_mutex_lock(&queue_mutex) == 0);
	CHECK(pthread_mutex_unlock(&queue_mutex) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	queue_init();
	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		queue_recover();
		_exit(0);
	}
	child_succeed(pid);
	return 0;
}
