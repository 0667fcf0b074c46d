/* Finds out, in a process of its own, what a process at a standstill, or in a loop, waits for, and writes it
 * into the trace.
 */
#ifndef AFTERFORK_SUPERVISOR_JUDGE_H
#define AFTERFORK_SUPERVISOR_JUDGE_H

#include <stdint.h>
#include <sys/types.h>

#include "stuck_judge.h"

/* Takes what is needed of the process now, and starts the judge. loop NULL: it is at a standstill. folder_fd
 * -1: the trace tells of it already. Its pid, to be waited for; -1 when the process moved on or nothing could
 * be started. */
pid_t supervisor_judge_start(pid_t pid, const struct spin_loop *loop, uint64_t since_ns, uint64_t now_ns,
                             int folder_fd);
/* The verdict in the wait status of an ended judge; STUCK_UNCLEAR for one that failed. */
enum stuck_verdict supervisor_judge_result(int status);

#endif
