/* The worker is inside system(), waiting for its command, while main forks: system() holds its lock at the
 * beginning and the end only. The child calls system() and comes back: to have been inside is not to have
 * held the lock.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static int start[2], end[2];

static void *worker(void *unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "echo >&%d; read line <&%d", start[1], end[0]);
	CHECK(system(command) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char byte;
	pid_t pid;

	CHECK(pipe(start) == 0);
	CHECK(pipe(end) == 0);
	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	CHECK(read(start[0], &byte, 1) == 1);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(system("true") == 0);
		_exit(0);
	}
	child_succeed(pid);
	CHECK(write(end[1], "\n", 1) == 1);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
