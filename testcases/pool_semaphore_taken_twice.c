/* The child posts a request to a server that stayed in the parent, and waits for no answer. It hangs over a
 * semaphore that serves as a lock and that it takes twice: of that the server is not the cause.
 *
 * expect: note other-deadlock
 *   lock: semaphore - table_lock
 *   victim: function=table_read<main
 * exit: 0
 */
#include <semaphore.h>

#include "watch_patience.h"

static sem_t requests, table_lock;
static volatile pid_t server_tid;

__attribute__((noreturn)) static void *serve(void *unused)
{
	(void)unused;
	server_tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		CHECK(sem_wait(&requests) == 0);
}

__attribute__((noinline)) static void table_read(void)
{
	CHECK(sem_wait(&table_lock) == 0);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(sem_init(&requests, 0, 0) == 0);
	CHECK(sem_init(&table_lock, 0, 1) == 0);
	CHECK(pthread_create(&thread, NULL, serve, NULL) == 0);
	while (!server_tid)
		sched_yield();
	CHECK(wait_until_blocked(getpid(), server_tid, &requests, sizeof(requests)));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(sem_wait(&table_lock) == 0);
		CHECK(sem_post(&requests) == 0);
		table_read();
		_exit(0);
	}
	child_kill_when_told(pid, &table_lock, sizeof(table_lock));
	_exit(0);
}
