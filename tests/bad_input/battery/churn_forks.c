/* churn_forks COUNT: two workers lock and unlock all the time while main forks COUNT times, at whatever
 * moment. Each child tries both locks; the program prints how many were found locked. That many, no more and
 * no less, must be the stale locks of the report. */
#include "case.h"

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static volatile int stop;

static void churn(int index)
{
	CHECK(pthread_mutex_lock(&locks[index]) == 0);
	for (volatile int i = 0; i < 20 * index; i++)
		;
	CHECK(pthread_mutex_unlock(&locks[index]) == 0);
}

static void *churner(void *index)
{
	while (!stop)
		churn((int)(intptr_t)index);
	return NULL;
}

static int count_locked(void)
{
	return (pthread_mutex_trylock(&locks[0]) == EBUSY) + (pthread_mutex_trylock(&locks[1]) == EBUSY);
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	int locked = 0;

	CHECK(argc == 2);
	for (intptr_t i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, churner, (void *)i) == 0);
	for (long left = strtol(argv[1], NULL, 10); left > 0; left--) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (pid == 0)
			_exit(count_locked());
		status = child_reap(pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 2);
		locked += WEXITSTATUS(status);
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	printf("%d\n", locked);
	return 0;
}
