/* A worker is inside tzset(), which holds the lock of the time zone, while main forks; the child formats a
 * time with the zone in it: strftime() takes the same lock.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "time zone lock (tzset)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=strftime function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <time.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	tzset();
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	struct tm tm = {.tm_mday = 1};
	char text[32];

	CHECK(strftime(text, sizeof(text), "%Y %Z", &tm) > 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(setenv("TZ", "CET-1CEST", 1) == 0);
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
