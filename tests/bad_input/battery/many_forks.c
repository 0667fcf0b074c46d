/* many_forks COUNT: that many children meet the same stale lock by trylock, one after another. */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread = worker_start(worker);

	CHECK(argc == 2);
	for (long left = strtol(argv[1], NULL, 10); left > 0; left--) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			_exit(pthread_mutex_trylock(&table_mutex) == EBUSY ? 0 : 1);
		child_succeed(pid);
	}
	worker_finish(thread);
	return 0;
}
