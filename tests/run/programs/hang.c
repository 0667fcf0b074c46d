/* A worker holds a lock while main forks; what the child does with it is told by the arguments:
 * hang MODE [COUNT]
 *
 *   wait       the child waits for ever, main waits for the child
 *   orphan     the same, but main ends once the child sleeps
 *   daemon     the same for a grandchild in a session of its own
 *   ignore     as wait, and SIGABRT is ignored
 *   caught     as wait, and the child has a handler of SIGUSR1
 *   hidden     as wait, and the child may not be traced
 *   many       as wait, with COUNT children at once
 *   threads    as wait, and another thread of the child lives on
 *   rescued    as threads, and the other thread lets the lock go after COUNT ms: no deadlock
 *   catches    as wait, for a semaphore, and SIGINT is caught and ends the wait
 *   quiet      nobody touches the lock: main forks and waits
 *
 * Prints the pid of each hung process on a line of its own before it takes the lock.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t turn; /* a lock too */
static pthread_barrier_t held;
static const char *mode;
static int number;

static void *worker(void *unused)
{
	pthread_mutex_lock(&lock);
	sem_wait(&turn);
	pthread_barrier_wait(&held);
	for (;;)
		pause();
	return unused;
}

static void *live_thread(void *unused)
{
	struct timespec span = {number / 1000, number % 1000 * 1000000L};

	if (strcmp(mode, "rescued") == 0) {
		nanosleep(&span, NULL);
		pthread_mutex_unlock(&lock);
	}
	for (;;)
		pause();
	return unused;
}

static void caught(int number)
{
	(void)number;
}

static void wait_until_interrupted(void)
{
	sigaction(SIGINT, &(struct sigaction){.sa_handler = caught}, NULL);
	sem_wait(&turn);
}

static void child(int pipe_fd)
{
	pthread_t thread;
	pid_t pid = getpid();

	if (strcmp(mode, "ignore") == 0)
		signal(SIGABRT, SIG_IGN);
	if (strcmp(mode, "caught") == 0)
		signal(SIGUSR1, caught);
	if (strcmp(mode, "hidden") == 0)
		prctl(PR_SET_DUMPABLE, 0);
	if (strcmp(mode, "threads") == 0 || strcmp(mode, "rescued") == 0)
		pthread_create(&thread, NULL, live_thread, NULL);
	dprintf(STDOUT_FILENO, "%d\n", (int)pid);
	if (pipe_fd >= 0 && write(pipe_fd, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		_exit(99);
	if (strcmp(mode, "catches") == 0)
		wait_until_interrupted();
	else if (strcmp(mode, "quiet") != 0)
		pthread_mutex_lock(&lock);
	_exit(0);
}

/* Returns once the process sleeps in a futex call, by /proc/PID/syscall. */
static void wait_until_blocked(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	for (;;) {
		FILE *file = fopen(path, "r");

		if (!file)
			return;
		char *line = fgets(text, sizeof(text), file);
		fclose(file);
		if (line && strncmp(line, "202 ", 4) == 0)
			return;
	}
}

static void leave_behind(void)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		_exit(99);
	if (fork() == 0) {
		if (strcmp(mode, "daemon") == 0) {
			setsid();
			if (fork() != 0)
				_exit(0);
		}
		child(ends[1]);
	}
	if (read(ends[0], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		_exit(99);
	wait_until_blocked(pid);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	mode = argc > 1 ? argv[1] : "wait";
	number = argc > 2 ? atoi(argv[2]) : 1;
	sem_init(&turn, 0, 1);
	pthread_barrier_init(&held, NULL, 2);
	pthread_create(&thread, NULL, worker, NULL);
	pthread_barrier_wait(&held);
	if (strcmp(mode, "orphan") == 0 || strcmp(mode, "daemon") == 0) {
		leave_behind();
		_exit(3);
	}
	int count = strcmp(mode, "many") == 0 ? number : 1;
	for (int i = 0; i < count; i++)
		if (fork() == 0)
			child(-1);
	int status, last = 0;
	while (wait(&status) > 0)
		last = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	printf("signal %d\n", last);
	return 3;
}
