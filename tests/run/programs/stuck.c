/* A worker holds a home-made lock, of which no library knows, while main forks: stuck MODE COUNT
 *
 *   wait    COUNT children wait for it for ever
 *   hidden  the same, and nobody may look into the children; main ends them after WATCHED_S seconds
 *   idle    COUNT children wait for a signal, and main ends them after WATCHED_S seconds
 *
 * Prints the pid of each child on a line of its own, and which signal ended the last.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WATCHED_S = 4, CHILDREN_MAX = 1000 };

static int home_made_lock;
static pthread_barrier_t held;

__attribute__((noinline)) static void wait_while_taken(void)
{
	long result = SYS_futex;
	register long no_limit __asm__("r10") = 0;

	__asm__ volatile("syscall"
	                 : "+a"(result)
	                 : "D"(&home_made_lock), "S"((long)FUTEX_WAIT_PRIVATE), "d"(1L), "r"(no_limit)
	                 : "rcx", "r11", "memory");
}

__attribute__((noinline)) static void take(void)
{
	int free = 0;

	while (
	    !__atomic_compare_exchange_n(&home_made_lock, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		wait_while_taken();
		free = 0;
	}
}

static void *worker(void *unused)
{
	take();
	pthread_barrier_wait(&held);
	for (;;)
		pause();
	return unused;
}

static void child(const char *mode)
{
	if (strcmp(mode, "hidden") == 0)
		prctl(PR_SET_DUMPABLE, 0);
	if (strcmp(mode, "idle") == 0)
		pause();
	take();
	_exit(0);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "wait";
	int count = argc > 2 ? atoi(argv[2]) : 1, status, last = 0;
	struct timespec span = {.tv_sec = WATCHED_S};
	pid_t pids[CHILDREN_MAX];
	pthread_t thread;

	pthread_barrier_init(&held, NULL, 2);
	pthread_create(&thread, NULL, worker, NULL);
	pthread_barrier_wait(&held);
	for (int i = 0; i < count && i < CHILDREN_MAX; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			child(mode);
		printf("%d\n", (int)pids[i]);
	}
	fflush(stdout);
	if (strcmp(mode, "wait") != 0) {
		nanosleep(&span, NULL);
		for (int i = 0; i < count; i++)
			kill(pids[i], SIGKILL);
	}
	while (wait(&status) > 0)
		last = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	printf("signal %d\n", last);
	return 3;
}
