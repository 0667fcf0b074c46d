/* What a child got by on luck: locks that other threads held at the fork and that it did not happen to meet,
 * and locks that they use and that happened to be free.
 *
 * Nothing is done at the fork. The first call in the child that shows that it runs on (a lock operation, a
 * thread made, exit) looks at what vanished threads held; each lock that it takes is looked up among those
 * that they used. A child that goes on to exec takes back the first of the two. Calls inside the program's
 * child handlers show nothing yet: they run in a child that calls exec, too.
 *
 * Async-signal-safe and lock-free; no system call in a sandbox. */
#ifndef AFTERFORK_PRELOAD_LUCK_CHECK_H
#define AFTERFORK_PRELOAD_LUCK_CHECK_H

#include "incident.h"

/* In a new child, before the program's child handlers: what the forking thread holds now is covered. */
void luck_check_enter(const struct thread_record *self);
/* A call that shows that the child runs on. `lock` is the one it is about, which the caller looks at itself;
 * NULL: none. */
void luck_check_ran_on(struct thread_record *self, const void *lock, unsigned call,
                       const struct call_registers *regs);
/* The child took a lock that was free: `use` says which, who, and where; other fields are not read. */
void luck_check_took(const struct incident *use);
/* Around a call of the exec family. luck_check_exec_failed() undoes what the first did where it returned
 * true.
 */
bool luck_check_exec_begins(void);
void luck_check_exec_failed(bool begun);

#endif
