/* The lock of a module that is being imported, in CPython 3.11 and before. It is made of Python's own objects
 * (importlib's _ModuleLock), so no call shows who has it; but it notes its owner. */
#ifndef AFTERFORK_STUCK_IMPORT_H
#define AFTERFORK_STUCK_IMPORT_H

#include <sys/types.h>

#include "stuck_queue.h"
#include "stuck_vanished.h"

/* The vanished thread that has the lock of the module for which the thread waits; 0: none. Its word is the
 * semaphore inside the lock object that importlib calls `wakeup`; the owner is known by its stack, above
 * which libc has what pthread_self() points to. */
pid_t stuck_import_owner(const struct stuck_waiter *waiter, const struct stuck_vanished_list *vanished);

#endif
