/* main holds a normal mutex while it forks beside a worker, and its child takes it again past the library. A
 * normal mutex does not let its own holder in: that would hang without a fork, too.
 *
 * expect: note other-deadlock
 *   lock: mutex normal state_mutex
 *   victim: function=state_enter_again<child<main
 * exit: 0
 */
#include "past_the_library.h"
#include "watch_patience.h"

static pthread_mutex_t state_mutex = PTHREAD_MUTEX_INITIALIZER;
static int (*lock)(pthread_mutex_t *mutex);

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

static void state_enter_again(void)
{
	CHECK(lock(&state_mutex) == 0);
}

static void child(void)
{
	state_enter_again();
	_exit(0);
}

int main(void)
{
	*(void **)&lock = past_the_library("pthread_mutex_lock");
	pthread_t thread = worker_start(worker);

	CHECK(pthread_mutex_lock(&state_mutex) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_kill_when_told(pid, &state_mutex, sizeof(state_mutex));
	CHECK(pthread_mutex_unlock(&state_mutex) == 0);
	worker_finish(thread);
	return 0;
}
