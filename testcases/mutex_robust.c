/* A worker holds a robust mutex in private memory while main forks. The kernel hands a robust mutex
 * on only when its owner ends, and the child's copy of the owner never lived in the child: no one
 * marks the word, and the child waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal queue_mutex initialised_at=queue_init
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
	CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&queue_mutex, &attributes) == 0);
}

int main(void)
{
	queue_init();
	queue_play();
	return 0;
}
