/* A signal handler forks while a worker holds a lock, and the child meets it inside the handler. main itself
 * was in the middle of a critical section of another lock when the signal came.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=on_signal
 *   victim: call=pthread_mutex_lock function=table_read<on_signal
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t main_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void on_signal(int number)
{
	pid_t pid = fork();

	(void)number;
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t thread = worker_start(worker);

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(pthread_mutex_lock(&main_mutex) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(pthread_mutex_unlock(&main_mutex) == 0);
	worker_finish(thread);
	return 0;
}
