/* A server thread sleeps on a semaphore until there is a request, and posts the one that came with it. The
 * child posts a request to the server that stayed in the parent, and waits on a semaphore of its own.
 *
 * expect: likely waker-vanished
 *   lock: semaphore - - initialised_at=ask<main
 *   holder: acquired_at=serve start_routine=serve
 *   fork: call=fork function=main
 *   handed_over: kind=semaphore name=requests call=sem_post waiting_threads=1 function=ask<main
 *   victim: call=sem_wait function=ask<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include <semaphore.h>

#include "case.h"

static sem_t requests;
static sem_t *volatile reply;
static volatile pid_t server_tid;

__attribute__((noreturn)) static void *serve(void *unused)
{
	(void)unused;
	server_tid = (pid_t)syscall(SYS_gettid);
	for (;;) {
		CHECK(sem_wait(&requests) == 0);
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
	CHECK(pthread_create(&thread, NULL, serve, NULL) == 0);
	while (!server_tid)
		sched_yield();
	CHECK(wait_until_blocked(getpid(), server_tid, &requests, sizeof(requests)));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		ask();
		_exit(0);
	}
	child_reap(pid);
	_exit(0);
}
