/* The forking thread itself is inside dl_iterate_phdr(), in the callback: the loader's lock knows its owner
 * by thread id, and the child's thread has another one. Walking the list again, the child waits for its own
 * parent.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "list of loaded objects lock (dl_iterate_phdr)"
 *   holder: acquired_at=walk<main
 *   fork: call=fork function=fork_at_first<walk<main
 *   victim: call=dl_iterate_phdr function=walk<fork_at_first<walk<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

#include <link.h>

static int stop_at_first(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)info;
	(void)size;
	(void)unused;
	return 1;
}

static int walk(int (*callback)(struct dl_phdr_info *, size_t, void *))
{
	return dl_iterate_phdr(callback, NULL);
}

static int fork_at_first(struct dl_phdr_info *info, size_t size, void *unused)
{
	pid_t pid = fork();

	(void)info;
	(void)size;
	(void)unused;
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(walk(stop_at_first) == 1);
		_exit(0);
	}
	child_reap(pid);
	return 1;
}

int main(void)
{
	CHECK(walk(fork_at_first) == 1);
	return 0;
}
