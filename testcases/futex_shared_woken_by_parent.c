/* The child waits on a futex in memory that it shares with the parent, and the parent wakes it: nobody
 * vanished that this wait depends on.
 *
 * expect: nothing
 * exit: 0
 */
#include <sys/mman.h>

#include "futex_lock.h"
#include "watch_patience.h"

static int *shared_word;

static void child(void)
{
	while (__atomic_load_n(shared_word, __ATOMIC_ACQUIRE) == 0)
		futex_call(shared_word, FUTEX_LOCK_WAIT, 0);
	_exit(0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	shared_word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared_word != MAP_FAILED);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	CHECK(wait_until_blocked(pid, pid, shared_word, sizeof(*shared_word)));
	outlast_the_watch();
	__atomic_store_n(shared_word, 1, __ATOMIC_RELEASE);
	futex_call(shared_word, FUTEX_LOCK_WAKE, 1);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
