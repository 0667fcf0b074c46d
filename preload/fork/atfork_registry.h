/* The fork handlers that the program's modules registered: which, from where. Ours are registered before them
 * all, so that they run last before the fork and first in the child. Thread-safe, lock-free. */
#ifndef AFTERFORK_PRELOAD_ATFORK_REGISTRY_H
#define AFTERFORK_PRELOAD_ATFORK_REGISTRY_H

#include "thread_record.h"

enum atfork_phase { ATFORK_PREPARE, ATFORK_PARENT, ATFORK_CHILD };

void atfork_registry_add_ours(void);
void atfork_registry_add(struct thread_record *self, void (*prepare)(void), void (*parent)(void),
                         void (*child)(void), const struct call_registers *regs);
/* The registration's handler of that phase; 0: it has none. */
uint64_t atfork_registry_handler(uint32_t registration, enum atfork_phase phase);
/* The registration's handler of that phase took long. */
void atfork_registry_note_slow(uint32_t registration, enum atfork_phase phase, uint64_t time_ns);
/* A fork in a form that runs no handlers is about to be made: says so, once for each notice, where some are
 * registered and other threads live. Async-signal-safe. */
void atfork_registry_note_skipped(enum trace_notice_kind notice);

#endif
