/* A worker opens a named semaphore while main forks; the child opens it too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "named semaphores lock (sem_open)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_open function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <semaphore.h>
#include "malloc_gate.h"

static char name[64];

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(sem_open(name, O_CREAT, 0600, 1) != SEM_FAILED);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	CHECK(sem_open(name, O_CREAT, 0600, 1) != SEM_FAILED);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	snprintf(name, sizeof(name), "/case-%d", (int)getpid());
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	gate_check();
	CHECK(sem_unlink(name) == 0);
	return 0;
}
