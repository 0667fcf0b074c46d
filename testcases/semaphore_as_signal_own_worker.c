/* A worker answers requests. The child starts one of its own before it asks. The parent's worker had taken
 * the request semaphore and never posted it, as who only takes does: that makes it no holder.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t requests, replies;

static void service_init(void)
{
	CHECK(sem_init(&requests, 0, 0) == 0);
	CHECK(sem_init(&replies, 0, 0) == 0);
}

static void serve(void)
{
	CHECK(sem_wait(&requests) == 0);
	CHECK(sem_post(&replies) == 0);
}

static void ask(void)
{
	CHECK(sem_post(&requests) == 0);
	CHECK(sem_wait(&replies) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	serve();
	worker_stay();
	return NULL;
}

static void *own_worker(void *unused)
{
	(void)unused;
	serve();
	return NULL;
}

static void ask_own(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, own_worker, NULL) == 0);
	ask();
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	service_init();
	CHECK(sem_post(&requests) == 0);
	thread = worker_start(worker);
	CHECK(sem_wait(&replies) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		ask_own();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
