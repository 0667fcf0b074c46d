/* What the cases share: checks that say where they failed, one worker thread with two meeting
 * points, and waiting for a state of the kernel. Nothing here looks at a clock.
 *
 * A failed check ends the process with status 99, in a child as in the parent.
 */
#ifndef AFTERFORK_CASE_H
#define AFTERFORK_CASE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CASE_CHECK_FAILED = 99 };

#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			case_fail(__FILE__, __LINE__, #condition);                                           \
	} while (0)

__attribute__((noreturn)) static inline void case_fail(const char *file, int line, const char *condition)
{
	dprintf(STDERR_FILENO, "%s:%d: check failed: %s (errno: %s)\n", file, line, condition,
	        strerror(errno));
	_exit(CASE_CHECK_FAILED);
}

/* The worker: one thread that sets the stage and stays on it while main forks. */
static pthread_barrier_t worker_ready, worker_done;
static volatile pid_t worker_tid;

/* Starts ROUTINE as a thread; returns once it has called worker_stay(). */
static inline pthread_t worker_start(void *(*routine)(void *))
{
	pthread_t thread;

	CHECK(pthread_barrier_init(&worker_ready, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&worker_done, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, routine, NULL) == 0);
	pthread_barrier_wait(&worker_ready);
	return thread;
}

/* In the worker: tells worker_start() that the stage is set, and stays until worker_finish(). */
static inline void worker_stay(void)
{
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	pthread_barrier_wait(&worker_done);
}

static inline void worker_finish(pthread_t thread)
{
	pthread_barrier_wait(&worker_done);
	CHECK(pthread_join(thread, NULL) == 0);
}

/* Waits for the child whatever ends it; returns its status as waitpid() gives it. */
static inline int child_reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) != pid)
		CHECK(errno == EINTR);
	return status;
}

/* Waits for a child that must have come to a good end. */
static inline void child_succeed(pid_t pid)
{
	int status = child_reap(pid);

	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0);
}

/* For a story that ends with the whole program stuck: lets a process of its own, without any fork in its
 * past, play it, and returns when that is over. There main() finds an argument. */
static inline void story_play(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		execl("/proc/self/exe", "story", "story", (char *)NULL);
		_exit(CASE_CHECK_FAILED);
	}
	child_reap(pid);
}

static inline int child_has_ended(pid_t pid)
{
	siginfo_t info;

	if (pid == getpid())
		return 0;
	memset(&info, 0, sizeof(info));
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

/* The address on which thread TID of process PID sleeps in futex(2); 0: it does something else. */
static inline uintptr_t futex_slept_on(pid_t pid, pid_t tid)
{
	char path[64], text[256];
	long number = -1;
	unsigned long long address = 0;
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return 0;
	text[size] = '\0';
	if (sscanf(text, "%ld %llx", &number, &address) != 2 || number != SYS_futex)
		return 0;
	return (uintptr_t)address;
}

/* Returns 1 once thread TID of process PID sleeps on a futex inside the SIZE_BYTES bytes at OBJECT
 * (OBJECT NULL: on any futex), or 0 if PID, a child of the caller, ended instead. */
static inline int wait_until_blocked(pid_t pid, pid_t tid, const void *object, size_t size_bytes)
{
	for (;;) {
		uintptr_t address = futex_slept_on(pid, tid);

		if (address && (!object || address - (uintptr_t)object < size_bytes))
			return 1;
		if (child_has_ended(pid))
			return 0;
		sched_yield();
	}
}

/* Ends a child that waits for ever, once it does: for hangs that no one else ends. */
static inline void child_kill_when_blocked(pid_t pid)
{
	if (wait_until_blocked(pid, pid, NULL, 0))
		CHECK(kill(pid, SIGKILL) == 0);
	child_reap(pid);
}

#endif
