/* What the library has recorded so far, read while the command runs. */
#ifndef AFTERFORK_SUPERVISOR_INCIDENTS_H
#define AFTERFORK_SUPERVISOR_INCIDENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A call that had not returned when it was read, and that the library says will never return. */
struct pending_incident {
	pid_t pid, tid;                   /* as the supervisor knows them */
	pid_t recorded_pid, recorded_tid; /* as the process itself does, in its pid namespace */
	uint64_t time_ns;                 /* CLOCK_MONOTONIC; 0 where the process could not ask the clock */
	uint64_t lock_address;
	uint32_t lock_kind;  /* enum trace_lock_kind */
	uint32_t lock_flags; /* TRACE_LOCK_* */
	uint32_t observed;   /* enum trace_observed */
	bool is_by_fork;     /* false: it hangs, but no fork is to blame */
	uint32_t proof;      /* TRACE_PROOF_* */
	pid_t holder_tid;    /* 0: not known */
	bool own_pending; /* the incident's own call; false: only repeats of it, in threads that it does not
	                     name */
	uint64_t repeats_pending;
	bool in_atfork_handler; /* inside of fork: the process need not be a forked child, nor the holder gone
	                         */
};

/* Calls back for each such incident in the image files of the folder. Files are read, never mapped: one that
 * shrinks meanwhile does no harm. */
void supervisor_incidents_read(int folder_fd,
                               void (*found)(void *context, const struct pending_incident *incident),
                               void *context);

/* Notes in the trace that the call of such an incident was seen to wait for ever: what the library only
 * suspected says nothing without it, and a signal that interrupts the wait takes nothing back. Nothing
 * happens when the call has returned meanwhile. */
void supervisor_incidents_mark_blocked(int folder_fd, const struct pending_incident *incident);

/* Notes the same of a suspicion where a handler could still leave the call: then a return takes it back. */
void supervisor_incidents_mark_waiting(int folder_fd, const struct pending_incident *incident);

/* Notes that the process of an incident from outside moved on after all. */
void supervisor_incidents_mark_returned(int folder_fd, const struct pending_incident *incident);

#endif
