/* A worker holds a lock while main forks; the child makes that lock anew before it uses others.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t stats_mutex = PTHREAD_MUTEX_INITIALIZER;

static void stats_collect(void)
{
	CHECK(pthread_mutex_lock(&stats_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&stats_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	stats_collect();
	return NULL;
}

static void other_use(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_init(&stats_mutex, NULL) == 0);
		other_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
