/* Stops a thread of another process by ptrace() for a moment, without a signal: inside a system call that
 * restarts it sees nothing. Needs ptrace rights; the caller must be the only tracer. */
#ifndef AFTERFORK_PROC_STOP_H
#define AFTERFORK_PROC_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct user_regs_struct;

/* To be ended by proc_stop_end() where it returns true. */
bool proc_stop_begin(pid_t tid, struct user_regs_struct *ret_registers);
void proc_stop_end(pid_t tid);
/* For a thread that stopped after proc_stop_begin() had given up waiting, as on a machine with no CPU to
 * spare: with the status that waitpid() gave. Does nothing to one that was stopped by others. */
void proc_stop_end_late(pid_t tid, int status);

/* The part of its memory that the kernel writes to whenever it gives the stopped thread a CPU; size 0: there
 * is none. False where the kernel does not tell. */
bool proc_stop_changing(pid_t tid, uint64_t *ret_address, uint32_t *ret_size_bytes);

#endif
