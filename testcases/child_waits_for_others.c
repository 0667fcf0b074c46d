/* Children that wait rightly, for what comes from outside of them: a signal, a pipe, an event loop. Each
 * waits for longer than the watch looks.
 *
 * expect: nothing
 * exit: 0
 */
#include <sys/epoll.h>

#include "watch_patience.h"

enum { CHILDREN = 4 };

static int ends[2];

static void child(int number)
{
	struct epoll_event event = {.events = EPOLLIN};
	sigset_t none;
	char byte;

	switch (number) {
	case 0:
		pause();
		break;
	case 1:
		CHECK(sigemptyset(&none) == 0);
		sigsuspend(&none);
		break;
	case 2:
		CHECK(read(ends[0], &byte, 1) == 0);
		break;
	default: {
		int queue = epoll_create1(0);

		CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, ends[0], &event) == 0);
		CHECK(epoll_wait(queue, &event, 1, -1) == 1);
	}
	}
	_exit(0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pid_t pids[CHILDREN];
	pthread_t thread = worker_start(worker);

	CHECK(pipe(ends) == 0);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] == 0) {
			close(ends[1]);
			child(i);
		}
	}
	outlast_the_watch();
	close(ends[1]);
	CHECK(kill(pids[0], SIGKILL) == 0);
	CHECK(kill(pids[1], SIGKILL) == 0);
	child_reap(pids[0]);
	child_reap(pids[1]);
	child_succeed(pids[2]);
	child_succeed(pids[3]);
	worker_finish(thread);
	return 0;
}
