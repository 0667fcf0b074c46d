/* A server thread has a request at hand when main forks, and does not sleep on its semaphore. The child posts
 * another one to it, and waits on a semaphore of its own.
 *
 * expect: likely waker-vanished
 *   lock: semaphore - - initialised_at=ask<main
 *   holder: acquired_at=serve start_routine=serve
 *   fork: call=fork function=main
 *   handed_over: kind=semaphore name=requests call=sem_post waiting_threads=0 function=ask<main
 *   victim: call=sem_wait function=ask<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include <semaphore.h>

#include "case.h"

static sem_t requests;
static sem_t *volatile reply;
static pthread_barrier_t is_busy, never;

__attribute__((noreturn)) static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		CHECK(sem_wait(&requests) == 0);
		pthread_barrier_wait(&is_busy);
		pthread_barrier_wait(&never);
		CHECK(sem_post(reply) == 0);
	}
}

__attribute__((noinline)) static void ask(void)
{
	sem_t answered;

	CHECK(sem_init(&answered, 0, 0) == 0);
	reply = &answered;
	CHECK(sem_post(&requests) == 0);
	CHECK(sem_wait(&answered) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(sem_init(&requests, 0, 0) == 0);
	CHECK(pthread_barrier_init(&is_busy, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&never, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, serve, NULL) == 0);
	CHECK(sem_post(&requests) == 0);
	pthread_barrier_wait(&is_busy);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		ask();
		_exit(0);
	}
	child_reap(pid);
	_exit(0);
}
