/* The worker ends by pthread_exit; a thread_local object's destructor takes the lock on the way out. It is in
 * there when main forks: the thread is not over yet.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal journal_mutex
 *   holder: acquired_at=Session::~Session start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=journal_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t journal_mutex = PTHREAD_MUTEX_INITIALIZER;

struct Session {
	int id = 1;
	~Session()
	{
		CHECK(pthread_mutex_lock(&journal_mutex) == 0);
		worker_stay();
		CHECK(pthread_mutex_unlock(&journal_mutex) == 0);
	}
};

static thread_local Session session;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(session.id == 1);
	pthread_exit(nullptr);
}

static void journal_read(void)
{
	CHECK(pthread_mutex_lock(&journal_mutex) == 0);
	CHECK(pthread_mutex_unlock(&journal_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		journal_read();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
