#include "fork_in_library_constructor.h"
#include "case.h"

static pthread_mutex_t early_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t early_thread;

static void early_hold(void)
{
	CHECK(pthread_mutex_lock(&early_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&early_mutex) == 0);
}

static void early_use(void)
{
	CHECK(pthread_mutex_lock(&early_mutex) == 0);
	CHECK(pthread_mutex_unlock(&early_mutex) == 0);
}

static void *early_worker(void *unused)
{
	(void)unused;
	early_hold();
	return NULL;
}

__attribute__((constructor)) static void early_start(void)
{
	pid_t pid;

	early_thread = worker_start(early_worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		early_use();
		_exit(0);
	}
	child_reap(pid);
}

void early_finish(void)
{
	worker_finish(early_thread);
}
