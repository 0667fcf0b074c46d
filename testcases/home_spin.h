/* The frame of the stories of home-made locks that spin: a worker sets the stage, main forks, the child
 * plays. */
#ifndef AFTERFORK_CASE_HOME_SPIN_H
#define AFTERFORK_CASE_HOME_SPIN_H

#include "watch_patience.h"

__attribute__((unused)) static void *worker_looks_on(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

/* A child that spins for ever is ended by afterfork. */
__attribute__((unused)) static void play(void *(*worker)(void *), void (*child)(void))
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
}

/* Loops are looked at later than what stands still. Without a watch there is nothing to outlast. */
__attribute__((unused)) static void outlast_the_looks(void)
{
	if (!getenv("AFTERFORK_TRACE"))
		return;
	outlast_the_watch();
	outlast_the_watch();
}

/* A child that has good reason to spin, and does for longer than the watch needs to make up its mind: then it
 * is let go, or ended. */
__attribute__((unused)) static void play_patiently(void (*child)(void), void (*let_go)(pid_t pid))
{
	pthread_t thread = worker_start(worker_looks_on);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		child();
		_exit(0);
	}
	outlast_the_looks();
	if (let_go) {
		let_go(pid);
		child_succeed(pid);
	} else {
		CHECK(!child_has_ended(pid));
		CHECK(kill(pid, SIGKILL) == 0);
		child_reap(pid);
	}
	worker_finish(thread);
}

#endif
