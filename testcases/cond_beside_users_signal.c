/* As cond_beside_collectors_signals, but the handler is of SIGUSR1: anybody may send that, and the handler
 * may leave the wait.
 *
 * expect: nothing
 * exit: 0
 */
#include <signal.h>

#include "case.h"

static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;
static int is_started;

static void wait_for_start(void)
{
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	while (!is_started)
		CHECK(pthread_cond_wait(&started, &start_mutex) == 0);
	CHECK(pthread_mutex_unlock(&start_mutex) == 0);
}

static void *worker(void *unused)
{
	worker_stay();
	CHECK(pthread_mutex_lock(&start_mutex) == 0);
	is_started = 1;
	CHECK(pthread_cond_signal(&started) == 0);
	CHECK(pthread_mutex_unlock(&start_mutex) == 0);
	return unused;
}

static void handler(int number)
{
	(void)number;
}

int main(void)
{
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		wait_for_start();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
