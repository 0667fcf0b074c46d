/* There are fork handlers, and main calls vfork, which runs none: no fault, since the child execs at once,
 * but worth a notice.
 *
 * expect: nothing
 * notice: vfork-skips-handlers vfork_skips_handlers has fork handlers, which vfork does not run
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void handle(void)
{
	_exit(1);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void program_run(void)
{
	pid_t pid = vfork();

	CHECK(pid >= 0);
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	child_succeed(pid);
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	CHECK(pthread_atfork(handle, NULL, NULL) == 0);
	program_run();
	worker_finish(thread);
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
