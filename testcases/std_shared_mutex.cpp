/* A worker holds a std::shared_mutex for writing while main forks; the child wants to read and waits for
 * ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: rwlock - table_mutex
 *   holder: acquired_at=table_write start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_rdlock function=table_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <mutex>
#include <shared_mutex>

static std::shared_mutex table_mutex;

static void table_write()
{
	table_mutex.lock();
	worker_stay();
	table_mutex.unlock();
}

static void table_read()
{
	std::shared_lock<std::shared_mutex> lock(table_mutex);
}

static void *worker(void *)
{
	table_write();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
