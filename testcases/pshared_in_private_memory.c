/* The mutex says that it is process-shared, but it lies in private memory: the fork copies it like any other,
 * and no one lets go of the child's copy. What counts is the mapping, not the attribute.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal - initialised_at=ring_init<main
 *   holder: acquired_at=ring_read<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=ring_write<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <sys/mman.h>

static pthread_mutex_t *ring_mutex;

static void ring_init(int flags)
{
	pthread_mutexattr_t attributes;

	ring_mutex = mmap(NULL, sizeof(*ring_mutex), PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	CHECK(ring_mutex != MAP_FAILED);
	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutex_init(ring_mutex, &attributes) == 0);
}

static void ring_read(void)
{
	CHECK(pthread_mutex_lock(ring_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(ring_mutex) == 0);
}

static void ring_write(void)
{
	CHECK(pthread_mutex_lock(ring_mutex) == 0);
	CHECK(pthread_mutex_unlock(ring_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	ring_read();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	ring_init(MAP_PRIVATE);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		ring_write();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
