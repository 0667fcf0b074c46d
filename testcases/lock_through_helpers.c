/* The lock was taken three helpers down, and all three have returned when main forks: the stack of
 * the acquisition is no longer on the worker's stack, and must be told all the same.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal journal_mutex
 *   holder: acquired_at=journal_lock<journal_enter<journal_open<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=journal_lock<journal_enter<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t journal_mutex = PTHREAD_MUTEX_INITIALIZER;
static int journal_users;

static void journal_lock(void)
{
	CHECK(pthread_mutex_lock(&journal_mutex) == 0);
}

static void journal_enter(void)
{
	journal_lock();
	journal_users++;
}

static int journal_open(void)
{
	journal_enter();
	return journal_users;
}

/* Overwrites what the helpers left below the worker's frame. */
static void stack_scrub(void)
{
	volatile char bytes[2048];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)0xa5;
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(journal_open() == 1);
	stack_scrub();
	worker_stay();
	CHECK(pthread_mutex_unlock(&journal_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		journal_enter();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
