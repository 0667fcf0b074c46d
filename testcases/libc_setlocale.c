/* A worker switches the locale while main forks; the child wants a locale for itself.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "locale lock (setlocale)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=newlocale function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <locale.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(setlocale(LC_ALL, "C.UTF-8") != NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);

	CHECK(locale != (locale_t)0);
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
