/* Processes that wait for ever in a known place, for tests of the watch. */
#ifndef AFTERFORK_TEST_STUCK_FIXTURE_H
#define AFTERFORK_TEST_STUCK_FIXTURE_H

#include <stdint.h>
#include <sys/types.h>

/* In memory that every process forked later shares; a waiter waits while it is 0. */
extern uint32_t *stuck_shared_word;
extern uint32_t stuck_private_word;

/* Both return once the child sleeps. Its stack: stuck_wait_inner < stuck_wait_outer < ... */
pid_t stuck_fork_waiter(uint32_t *word);
/* The same with a second thread that waits too, or, `sleeps`, in a call that ends by itself. */
pid_t stuck_fork_two_waiters(uint32_t *word, int sleeps);
void stuck_end(pid_t pid);

void stuck_wait_inner(uint32_t *word);
void stuck_wait_outer(uint32_t *word);

#endif
