/* Turns a process at a standstill into an incident of the trace. */
#ifndef AFTERFORK_STUCK_RECORD_H
#define AFTERFORK_STUCK_RECORD_H

#include "stuck_judge.h"
#include "stuck_process.h"

/* Walks the stacks, judges, and writes what there is to say into the folder's trace. Loads files that the
 * program names: to be run in a process of its own. STUCK_UNCLEAR also where nothing could be written.
 * folder_fd -1: the trace has the library's word, which goes first; only whether it is stuck is asked. */
enum stuck_verdict stuck_record_write(const struct stuck_process *process, int folder_fd);

#endif
