/* A thread is inside fgetgrent(), which has a lock of its own inside libc and asks malloc() for a buffer
 * while it holds it: the program's malloc() stops it there. The child's fgetgrent() waits for ever, below any
 * function that could be intercepted.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   fork: call=fork function=main
 *   victim: function=read_groups<child<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <grp.h>

#include "case.h"

void *__libc_malloc(size_t size_bytes);

static __thread int stops_in_malloc;

/* Instead of libc's: every other call is libc's business. */
void *malloc(size_t size_bytes)
{
	if (stops_in_malloc) {
		stops_in_malloc = 0;
		worker_stay();
	}
	return __libc_malloc(size_bytes);
}

static void read_groups(FILE *file)
{
	fgetgrent(file);
}

static FILE *files[2];

static void *worker(void *unused)
{
	(void)unused;
	stops_in_malloc = 1;
	read_groups(files[0]);
	return NULL;
}

static void child(void)
{
	read_groups(files[1]);
	_exit(0);
}

int main(void)
{
	for (int i = 0; i < 2; i++) {
		files[i] = tmpfile();
		CHECK(files[i]);
		CHECK(fputs("users:x:100:\n", files[i]) > 0);
		rewind(files[i]);
	}
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
