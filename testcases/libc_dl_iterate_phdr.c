/* A worker walks the list of loaded objects, as unwinders and profilers do, and is in its callback while main
 * forks: the loader's lock is held. The child walks the list too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "list of loaded objects lock (dl_iterate_phdr)"
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=dl_iterate_phdr function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

#include <link.h>

static int stay_at_first(struct dl_phdr_info *info, size_t size, void *stays)
{
	(void)info;
	(void)size;
	if (stays)
		worker_stay();
	return 1;
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(dl_iterate_phdr(stay_at_first, worker) == 1);
	return NULL;
}

static void child_work(void)
{
	CHECK(dl_iterate_phdr(stay_at_first, NULL) == 1);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
