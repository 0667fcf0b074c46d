/* The lock is taken in a function that hands it out by a std::unique_lock, moved twice: who owns the guard at
 * the fork says little, and the place to name is where the lock was taken.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal ledger_mutex
 *   holder: acquired_at=ledger_acquire<ledger_open<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=ledger_acquire<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <mutex>
#include <utility>

static std::mutex ledger_mutex;

struct Transaction {
	explicit Transaction(std::unique_lock<std::mutex> lock) : lock(std::move(lock)) {}
	std::unique_lock<std::mutex> lock;
};

static std::unique_lock<std::mutex> ledger_acquire()
{
	return std::unique_lock<std::mutex>(ledger_mutex);
}

static Transaction ledger_open()
{
	return Transaction(ledger_acquire());
}

static void *worker(void *)
{
	Transaction transaction = ledger_open();

	worker_stay();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		ledger_acquire();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
