/* A process-shared mutex in shared memory is one lock for parent and child, no copy. The child waits for the
 * parent's worker, the worker lets go once the child waits, and the child goes on.
 *
 * expect: nothing
 * exit: 0
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

	ring_init(MAP_SHARED);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		ring_write();
		_exit(0);
	}
	CHECK(wait_until_blocked(pid, pid, ring_mutex, sizeof(*ring_mutex)));
	worker_finish(thread);
	child_succeed(pid);
	return 0;
}
