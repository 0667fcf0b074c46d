/* Watches the forking thread inside of fork's handlers, in a process that is no forked child itself: a fork
 * that never returns.
 *
 * A prepare or parent handler that waits for a lock which its own thread holds, or which a thread holds that
 * waits in turn for what the forking thread holds, waits for ever. Who could end a wait for something else
 * cannot be told from inside, unless the process has one thread: `afterfork run` looks whether any thread
 * still moves. */
#ifndef AFTERFORK_PRELOAD_HANDLER_CHECK_H
#define AFTERFORK_PRELOAD_HANDLER_CHECK_H

#include "incident.h"
#include "lock_word.h"

/* In place of the original lock call, for mutexes, rwlocks and spinlocks. True: the lock was acquired. False:
 * the original is to be called now; *ret_handle is an incident if it will never return. Not async-signal-safe
 * against itself. */
bool handler_check_acquire(struct thread_record *self, const struct lock_ref *lock, unsigned call,
                           const struct call_registers *regs, struct incident_handle *ret_handle);

/* Before a wait without a time limit that only others can end: for a semaphore, a condition variable, a
 * barrier, or the end of a thread, whose pthread_t `object` is. What it returns is given to
 * incident_returned() after the call. */
struct incident_handle handler_check_wait(struct thread_record *self, const void *object,
                                          enum trace_lock_kind kind, unsigned call,
                                          const struct call_registers *regs);

#endif
