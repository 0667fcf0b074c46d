/* The same harmless handlers are registered five times: worth a notice, no fault.
 *
 * expect: nothing
 * notice: atfork-repeated count() of handler_registered_often and its fellows, 5 times
 * exit: 0
 */
#include "case.h"

static int forks;

static void count(void)
{
	forks++;
}

static void *worker(void *unused)
{
	worker_stay();
	return unused;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	for (int i = 0; i < 5; i++)
		CHECK(pthread_atfork(count, NULL, NULL) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	CHECK(forks == 5);
	return 0;
}
