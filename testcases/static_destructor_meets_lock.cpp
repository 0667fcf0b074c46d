/* The child leaves by exit(): the destructor of a global object runs in it and takes a lock that a worker of
 * the parent holds. The child hangs after its work is done.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal -
 *   holder: acquired_at=Log::flush<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=Log::~Log
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <mutex>

struct Shared {
	std::mutex mutex;
};

static Shared *shared = new Shared;

class Log
{
      public:
	void flush()
	{
		std::lock_guard<std::mutex> guard(shared->mutex);
		worker_stay();
	}
	~Log() { std::lock_guard<std::mutex> guard(shared->mutex); }
};

static Log log_file;

static void *worker(void *)
{
	log_file.flush();
	return nullptr;
}

int main()
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		exit(0);
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
