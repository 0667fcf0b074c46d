/* A worker asks for addresses while main forks, at the moment when libc lists those of this machine; the
 * child asks for some too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "interface addresses lock (getaddrinfo)"
 *   holder: acquired_at=look_up<worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=getaddrinfo function=look_up<child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <netdb.h>
#include "malloc_gate.h"

static void look_up(void)
{
	const struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG | AI_NUMERICHOST,
	                               .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	if (getaddrinfo("127.0.0.1", NULL, &hints, &list) == 0)
		freeaddrinfo(list);
}

static void worker_inside(void)
{
	gate_armed = 1;
	look_up();
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	look_up();
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
