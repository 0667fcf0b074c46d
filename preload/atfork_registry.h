/* The fork handlers that the program's modules registered: which, from where. Ours are registered before them
 * all, so that they run last before the fork and first in the child. Thread-safe, lock-free. */
#ifndef AFTERFORK_PRELOAD_ATFORK_REGISTRY_H
#define AFTERFORK_PRELOAD_ATFORK_REGISTRY_H

#include "thread_record.h"

void atfork_registry_add_ours(void);
void atfork_registry_add(struct thread_record *self, void (*prepare)(void), void (*parent)(void),
                         void (*child)(void), const struct call_registers *regs);
/* A fork in a form that runs no handlers is about to be made: says so, once, where some are registered and
 * other threads live. Async-signal-safe. */
void atfork_registry_note_skipped(void);

#endif
