/* As semaphore_as_lock, in a program that catches SIGINT as Python does. Who asks it to end would not post
 * the semaphore for that: the child is ended all the same.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: semaphore - slot initialised_at=slot_init<main
 *   holder: acquired_at=slot_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_wait function=slot_take<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "semaphore_as_lock.c"
#include <signal.h>

static void note_interrupt(int number)
{
	(void)number;
}

__attribute__((constructor)) static void catch_interrupt(void)
{
	CHECK(signal(SIGINT, note_interrupt) != SIG_ERR);
}
