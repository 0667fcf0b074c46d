/* The twin of the cases in which libc leaves its lock as it was: the worker is inside fputs(), with the
 * stream locked, while main forks; libc makes the locks of streams anew in the child.
 *
 * expect: nothing
 * exit: 0
 */
#include "malloc_gate.h"

static FILE *stream;

static void *worker(void *unused)
{
	(void)unused;
	gate_armed = 1; /* the stream's buffer */
	CHECK(fputs("worker\n", stream) >= 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	stream = fopen("/dev/null", "w");
	CHECK(stream != NULL);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(fputs("child\n", stream) >= 0);
		CHECK(fclose(stream) == 0);
		exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
