/* What a child got by on luck: locks that other threads held at the fork and that it did not happen to meet.
 *
 * Nothing is done at the fork. The first call in the child that shows that it runs on (a lock operation, a
 * thread made, exit) looks at what vanished threads held. A child that goes on to exec takes it back. Calls
 * inside the program's child handlers show nothing yet: they run in a child that calls exec, too.
 *
 * Async-signal-safe and lock-free; no system call in a sandbox. */
#ifndef AFTERFORK_PRELOAD_LUCK_CHECK_H
#define AFTERFORK_PRELOAD_LUCK_CHECK_H

#include "incident.h"

/* In a new child, before the program's child handlers. */
void luck_check_enter(void);
/* A call that shows that the child runs on. `lock` is the one it is about, which the caller looks at itself;
 * NULL: none. */
void luck_check_ran_on(struct thread_record *self, const void *lock, unsigned call,
                       const struct call_registers *regs);
/* The child has got hold of a lock of libc's that was told of: it was free. */
void luck_check_was_free(const void *lock);
/* Around a call of the exec family. luck_check_exec_failed() undoes what the first did where it returned
 * true.
 */
bool luck_check_exec_begins(void);
void luck_check_exec_failed(bool begun);

#endif
