/* The twin of the cases in which the child goes where the worker was: the worker is inside setenv() while
 * main forks, and the child calls functions with locks of their own, and some that libc makes usable again at
 * fork. That none of them was one of the worker's family is luck.
 *
 * expect: possible lock-held-at-fork
 *   lock: libc - "environment lock (setenv)"
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=localtime_r function=child_work<main
 *   count: 1
 * exit: 0
 */
#include <locale.h>
#include <pwd.h>
#include <time.h>
#include "malloc_gate.h"

static void *worker(void *unused)
{
	(void)unused;
	gate_armed = 1;
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
	return NULL;
}

static void child_work(void)
{
	struct tm tm;
	time_t now = 0;
	void *memory = malloc(100000);

	CHECK(memory != NULL);
	free(memory);
	CHECK(localtime_r(&now, &tm) == &tm);
	CHECK(setlocale(LC_ALL, "C.UTF-8") != NULL);
	CHECK(getpwuid(0) != NULL);
	CHECK(random() >= 0);
	CHECK(getenv("CASE_WORKER") == NULL);
	CHECK(printf("child\n") > 0);
	exit(0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child_work();
	child_succeed(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
