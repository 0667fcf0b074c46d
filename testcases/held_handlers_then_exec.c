/* A worker holds a lock while main forks. Fork handlers take and release another one, in the child too, which
 * shows nothing of what the child will do: it calls exec.
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

static void other_lock(void)
{
	CHECK(pthread_mutex_lock(&other_mutex) == 0);
}

static void other_unlock(void)
{
	CHECK(pthread_mutex_unlock(&other_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_atfork(other_lock, other_unlock, other_unlock) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
