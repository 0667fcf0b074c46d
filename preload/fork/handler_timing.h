/* Which of the program's fork handlers runs, and how long. A mark of ours stands behind each registration, so
 * libc calls marks and handlers in turn. Of times only what took long is told.
 *
 * A mark reads the processor's time stamp and makes no system call. Thread-safe; async-signal-safe but for
 * handler_timing_add(). */
#ifndef AFTERFORK_PRELOAD_HANDLER_TIMING_H
#define AFTERFORK_PRELOAD_HANDLER_TIMING_H

#include "atfork_registry.h"

/* Right after the registration with that number in the registry was made. */
void handler_timing_add(uint32_t registration);
/* Before a fork that runs prepare handlers, and from our own handler, the last of them. */
void handler_timing_prepare_begins(void);
void handler_timing_prepare_ends(void);
/* From our own parent and child handlers, the first of them. */
void handler_timing_begins(enum atfork_phase phase, const void *called_from);
/* A handler that ends in a lock call leaves by a jump, and libc, which called it, seems to make that call.
 * The handler that made it, where the call came from there and the calling thread is inside of its handlers;
 * 0: not known. */
uint64_t handler_timing_running(uint64_t called_from);
/* The same of the prepare handler that took the lock at the calling thread's latest fork. */
uint64_t handler_timing_taker(uint64_t lock, uint64_t called_from);

#endif
