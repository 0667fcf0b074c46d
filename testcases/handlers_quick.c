/* The twin: sixteen registrations of handlers that take no time, and two hundred forks.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

enum { FORKS = 200 };

static int runs;

static void count(void)
{
	runs++;
}

/* Others than these would be the same handlers, registered again and again. */
#define HANDLER(n)                                                                                           \
	static void handler_##n(void)                                                                        \
	{                                                                                                    \
		count();                                                                                     \
	}
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)

static void (*const handlers[])(void) = {handler_0, handler_1, handler_2, handler_3};

static void *worker(void *unused)
{
	worker_stay();
	return unused;
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++)
			CHECK(pthread_atfork(handlers[i], handlers[j], NULL) == 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			_exit(0);
		child_succeed(pid);
	}
	worker_finish(thread);
	CHECK(runs == FORKS * 32);
	return 0;
}
