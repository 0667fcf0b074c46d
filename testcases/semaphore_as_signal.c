/* A worker answers requests: it posts one semaphore for each post of another. After the fork no one does, and
 * the child waits for a reply for ever.
 *
 * expect: certain waker-vanished
 *   lock: semaphore - replies initialised_at=service_init<main
 *   holder: acquired_at=serve<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_wait function=ask<main
 *   count: 1
 * exit: 66
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
		ask();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
