/* Calls of a thread that wait on an incident and may be left without a return: by a jump or an exception out
 * of a signal handler, or with the thread. The incident then counts as returned, with the result EINTR.
 *
 * Own thread only; async-signal-safe. */
#ifndef AFTERFORK_PRELOAD_OPEN_WAIT_H
#define AFTERFORK_PRELOAD_OPEN_WAIT_H

#include "incident.h"

/* sp: the caller's. All frames of the wait, and of handlers that interrupt it, lie below. */
void open_wait_begin(struct thread_record *self, struct incident_handle handle, uint64_t sp);
void open_wait_end(struct thread_record *self, struct incident_handle handle);
/* The thread goes on in a frame at sp. What waits below it on the same stack was left. */
void open_wait_leave(struct thread_record *self, uint64_t sp);
/* It jumps from one frame to another. Left is what lies on the way, also where the wait has a stack that is
 * not known. */
void open_wait_jump(struct thread_record *self, uint64_t from_sp, uint64_t to_sp);
/* So was everything. */
void open_wait_leave_all(struct thread_record *self);

#endif
