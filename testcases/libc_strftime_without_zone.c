/* The twin of libc_localtime_by_chance: the worker formats a time stamp by strftime(), which asks for the
 * time zone only where the format does.
 *
 * expect: nothing
 * exit: 0
 */
#include <time.h>
#include "case.h"

static void log_stamp(void)
{
	struct tm tm = {.tm_mday = 1};
	char text[32];

	CHECK(strftime(text, sizeof(text), "%Y", &tm) > 0);
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
