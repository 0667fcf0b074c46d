/* How long each of the program's fork handlers runs. A mark of ours stands behind each registration, so libc
 * calls marks and handlers in turn. Told is only what took long.
 *
 * A mark reads the processor's time stamp and makes no system call. Thread-safe; async-signal-safe but for
 * handler_timing_add(). */
#ifndef AFTERFORK_PRELOAD_HANDLER_TIMING_H
#define AFTERFORK_PRELOAD_HANDLER_TIMING_H

#include <stdint.h>

/* Right after the registration with that number in the registry was made. */
void handler_timing_add(uint32_t registration);
/* Before a fork that runs prepare handlers, and from our own handler, the last of them. */
void handler_timing_prepare_begins(void);
void handler_timing_prepare_ends(void);
/* From our own parent and child handlers, the first of them. */
void handler_timing_begins(void);

#endif
