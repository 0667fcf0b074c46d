/* The worker is inside fgetgrent(), which has a lock of its own inside libc, and waits for a semaphore in the
 * program's malloc(): of that wait the library keeps the stack, and it leads through the function that the
 * child is stuck in. So the holder is known, although nobody intercepts fgetgrent().
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   holder: acquired_at=read_groups<worker start_routine=worker created_at=worker_begin name=reader
 *   fork: call=fork function=main
 *   victim: function=read_groups<child<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <grp.h>
#include <semaphore.h>

#include "case.h"

void *__libc_malloc(size_t size_bytes);

static __thread int stops_in_malloc;
static sem_t never;
static pid_t reader;

/* Instead of libc's: every other call is libc's business. */
void *malloc(size_t size_bytes)
{
	if (stops_in_malloc) {
		stops_in_malloc = 0;
		while (sem_wait(&never) != 0)
			CHECK(errno == EINTR);
	}
	return __libc_malloc(size_bytes);
}

__attribute__((noinline)) static void read_groups(FILE *file)
{
	fgetgrent(file);
	__asm__ volatile("");
}

static FILE *files[2];

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_setname_np(pthread_self(), "reader") == 0);
	stops_in_malloc = 1;
	__atomic_store_n(&reader, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	read_groups(files[0]);
	return NULL;
}

static void child(void)
{
	read_groups(files[1]);
	_exit(0);
}

static pthread_t worker_begin(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	while (!__atomic_load_n(&reader, __ATOMIC_ACQUIRE))
		sched_yield();
	CHECK(wait_until_blocked(getpid(), reader, &never, sizeof(never)));
	return thread;
}

int main(void)
{
	CHECK(sem_init(&never, 0, 0) == 0);
	for (int i = 0; i < 2; i++) {
		files[i] = tmpfile();
		CHECK(files[i]);
		CHECK(fputs("users:x:100:\n", files[i]) > 0);
		rewind(files[i]);
	}
	pthread_t thread = worker_begin();
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	CHECK(sem_post(&never) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
