/* The twin of thread_local_destructor_holds: the destructor is over, and with it the thread, when main forks.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t journal_mutex = PTHREAD_MUTEX_INITIALIZER;

struct Session {
	int id = 1;
	~Session()
	{
		CHECK(pthread_mutex_lock(&journal_mutex) == 0);
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
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		journal_read();
		_exit(0);
	}
	CHECK(child_reap(pid) == 0);
	return 0;
}
