/* Five children register the same harmless handlers, each of them once: in no process are they there more
 * than once.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

enum { CHILDREN = 5 };

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

	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK(pthread_atfork(count, NULL, NULL) == 0);
			_exit(0);
		}
		child_succeed(pid);
	}
	worker_finish(thread);
	return 0;
}
