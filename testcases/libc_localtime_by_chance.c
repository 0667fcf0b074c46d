/* A worker converts a time by mktime(), which takes the lock of the time zone; so does the child, by
 * localtime_r(). That the worker was not inside at the moment of the fork is luck.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: libc - "time zone lock (tzset)"
 *   holder: acquired_at=log_stamp<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=localtime_r function=child_work<main
 *   count: 1
 * exit: 0
 */
#include <time.h>
#include "case.h"

static void log_stamp(void)
{
	struct tm tm = {.tm_mday = 1};

	CHECK(mktime(&tm) != -1);
}

static void child_work(void)
{
	time_t now = 0;
	struct tm tm;

	CHECK(localtime_r(&now, &tm) != NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	log_stamp();
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
