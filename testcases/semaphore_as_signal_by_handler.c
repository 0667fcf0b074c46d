/* A worker posts replies; the child's come from its own signal handler. A child that waits alone is not stuck
 * while such a handler is installed.
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

static void *worker(void *unused)
{
	(void)unused;
	serve();
	worker_stay();
	return NULL;
}

static void reply(int number)
{
	(void)number;
	sem_post(&replies);
}

static void wait_for_reply(void)
{
	while (sem_wait(&replies) != 0)
		CHECK(errno == EINTR);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	service_init();
	CHECK(sem_post(&requests) == 0);
	thread = worker_start(worker);
	CHECK(sem_wait(&replies) == 0);
	CHECK(signal(SIGUSR1, reply) != SIG_ERR);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		wait_for_reply();
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, &replies, sizeof(replies)));
	CHECK(kill(pid, SIGUSR1) == 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
