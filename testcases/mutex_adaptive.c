/* A worker holds a mutex of type adaptive while main forks. An adaptive mutex spins for a while before it
 * sleeps: the child spins, then sleeps for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex adaptive queue_mutex initialised_at=queue_init
 *   holder: acquired_at=queue_drain start_routine=worker
 *   fork: call=fork function=queue_play<main
 *   victim: call=pthread_mutex_lock function=queue_push
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "queue_story.h"

static void queue_init(void)
{
	pthread_mutexattr_t attributes;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP) == 0);
	CHECK(pthread_mutex_init(&queue_mutex, &attributes) == 0);
}

int main(void)
{
	queue_init();
	queue_play();
	return 0;
}
