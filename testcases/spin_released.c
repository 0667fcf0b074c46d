/* A worker has used a spinlock, and waits elsewhere while main forks: the child takes it.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_spinlock_t count_lock;

static void count_init(void)
{
	CHECK(pthread_spin_init(&count_lock, PTHREAD_PROCESS_PRIVATE) == 0);
}

static void count_add(void)
{
	CHECK(pthread_spin_lock(&count_lock) == 0);
	CHECK(pthread_spin_unlock(&count_lock) == 0);
	worker_stay();
}

static void count_read(void)
{
	CHECK(pthread_spin_lock(&count_lock) == 0);
	CHECK(pthread_spin_unlock(&count_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	count_add();
	return NULL;
}

int main(void)
{
	count_init();
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		count_read();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
