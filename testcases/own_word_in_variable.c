/* The child makes an object of its own, keeps it in a variable that was there before the fork, and waits on
 * its word until it is ended, in a function that got the variable. That a variable points to the object does
 * not make it a lock's queue.
 *
 * expect: note other-deadlock
 *   lock: futex - -
 *   victim: function=futex_call<futex_wait<own_word_await<stop_await<child<main
 * exit: 0
 */
#include <sys/mman.h>

#include "own_word_lock.h"
#include "watch_patience.h"

struct stop {
	long reason;
	int is_set;
};

static struct stop *stop;

static void stop_await(struct stop **variable)
{
	own_word_await(&(*variable)->is_set);
}

static void child(void)
{
	stop = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stop != MAP_FAILED);
	stop += 1024;
	stop_await(&stop);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_kill_when_told(pid, NULL, 0);
	worker_finish(thread);
	return 0;
}
