/* The child is meant to exec, but the program is not there; on its way out it writes the reason into the
 * log, whose lock a worker of the parent holds. A fork that execs is safe only while exec works.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal log_mutex
 *   holder: acquired_at=log_flush<worker start_routine=worker
 *   fork: call=fork function=program_start<main
 *   victim: call=pthread_mutex_lock function=log_write<program_start<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static void log_flush(void)
{
	CHECK(pthread_mutex_lock(&log_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&log_mutex) == 0);
}

static void log_write(const char *text)
{
	CHECK(pthread_mutex_lock(&log_mutex) == 0);
	CHECK(text[0] != '\0');
	CHECK(pthread_mutex_unlock(&log_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	log_flush();
	return NULL;
}

static pid_t program_start(const char *path)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		execl(path, path, (char *)NULL);
		CHECK(errno == ENOENT);
		log_write("cannot execute");
		_exit(127);
	}
	return pid;
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	child_reap(program_start("/nonexistent/program"));
	worker_finish(thread);
	return 0;
}
