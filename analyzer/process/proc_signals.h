/* Which signals another process may be called by. World-readable: needs no ptrace right. */
#ifndef AFTERFORK_PROC_SIGNALS_H
#define AFTERFORK_PROC_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Masks have bit N-1 for signal N. False when not known. */

/* Those that the process has a handler for and that not all of its threads block. Left out are those that
 * libc and garbage collectors keep to themselves, and faults: what a thread raises by what it does itself
 * cannot come while it waits. */
bool proc_signals_caught(pid_t pid, uint64_t *ret_mask);
/* The same where no thread of the process runs: no CPU time goes by. */
bool proc_signals_caught_asleep(pid_t pid, uint64_t *ret_mask);
/* Those that were raised for the process as a whole and have not reached a thread. */
bool proc_signals_pending(pid_t pid, uint64_t *ret_mask);
/* Those that timers of timer_create() raise, set or not. */
bool proc_signals_of_timers(pid_t pid, uint64_t *ret_mask);

#endif
