/* A worker holds a std::shared_mutex for reading while main forks; the child reads, too.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"
#include <mutex>
#include <shared_mutex>

static std::shared_mutex table_mutex;

static void table_hold()
{
	table_mutex.lock_shared();
	worker_stay();
	table_mutex.unlock_shared();
}

static void table_read()
{
	std::shared_lock<std::shared_mutex> lock(table_mutex);
}

static void *worker(void *)
{
	table_hold();
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
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
