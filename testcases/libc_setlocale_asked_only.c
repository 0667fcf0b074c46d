/* The worker has chosen a locale and lives on. The child asks which one it is, which takes no lock.
 *
 * expect: nothing
 * exit: 0
 */
#include <locale.h>
#include "case.h"

static void *worker(void *unused)
{
	(void)unused;
	CHECK(setlocale(LC_ALL, "C") != NULL);
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(strcmp(setlocale(LC_ALL, NULL), "C") == 0);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
