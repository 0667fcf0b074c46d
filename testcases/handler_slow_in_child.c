/* A child handler takes its time: in the child, where the parent does not wait for it. Worth a notice all the
 * same.
 *
 * expect: nothing
 * notice: atfork-slow dawdle() of handler_slow_in_child ran for 1
 * exit: 0
 */
#include "case.h"

#include <time.h>

static int runs;

static void count(void)
{
	runs++;
}

static void dawdle(void)
{
	struct timespec left = {.tv_sec = 1};

	while (nanosleep(&left, &left) != 0)
		CHECK(errno == EINTR);
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

	CHECK(pthread_atfork(count, count, NULL) == 0);
	CHECK(pthread_atfork(NULL, NULL, dawdle) == 0);
	CHECK(pthread_atfork(count, NULL, count) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(runs == 3 ? 0 : 1);
	child_succeed(pid);
	worker_finish(thread);
	CHECK(runs == 3);
	return 0;
}
