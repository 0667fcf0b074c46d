/* Looks, in a forked child, at a wait that only another thread could end: is there still one?
 *
 * Such a wait is hopeless where the calling thread is the only one of its process (by the kernel's count:
 * libc makes threads that no wrapper sees), the object lies in private memory, was there before the fork, and
 * the program has no signal handler that could do it. Async-signal-safe, lock-free; on the child's path only.
 */
#ifndef AFTERFORK_PRELOAD_CHILD_WAIT_H
#define AFTERFORK_PRELOAD_CHILD_WAIT_H

#include "child_check.h"

/* Each is called before the original, whose return goes to child_check_after(); *use may carry a mutex's
 * check, which is kept where it has something to say. */

/* pthread_cond_wait and its like, without a time limit. */
void child_wait_condition(struct child_use *use, struct thread_record *self, const void *condition,
                          unsigned call, const struct call_registers *regs);
/* pthread_cond_destroy waits for all who are recorded as waiting in the object. */
void child_wait_destroy(struct child_use *use, struct thread_record *self, const pthread_cond_t *condition,
                        unsigned call, const struct call_registers *regs);
/* sem_wait, where child_check_before() found no holder. */
void child_wait_semaphore(struct child_use *use, struct thread_record *self, const void *semaphore,
                          unsigned call, const struct call_registers *regs);
void child_wait_barrier(struct child_use *use, struct thread_record *self, const pthread_barrier_t *barrier,
                        unsigned call, const struct call_registers *regs);
/* pthread_barrier_destroy waits for all who came and have not left yet. */
void child_wait_barrier_destroy(struct child_use *use, struct thread_record *self,
                                const pthread_barrier_t *barrier, unsigned call,
                                const struct call_registers *regs);
/* By use->attempt. In a child of fork() such a join returns at once, since libc marks vanished threads as
 * ended there: nothing is told. */
void child_wait_join(struct child_use *use, struct thread_record *self, pthread_t thread, unsigned call,
                     const struct call_registers *regs);

/* The id of a thread that has not ended; 0: it has. */
int32_t child_wait_tid_of(pthread_t thread);

/* True where the program has a handler that could take the calling thread out of a wait by a jump: of a
 * signal that may come and is not blocked. Who asks a program to end does not count. */
bool child_wait_handler_could_leave(void);

/* Private memory, no other thread, no signal handler: what holds the calling thread up stays. Leaves the
 * proofs in *suspect. */
bool child_wait_nobody_is_left(struct incident *suspect);

#endif
