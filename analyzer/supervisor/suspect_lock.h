/* What the lock of a suspect says now, in the memory of its process. */
#ifndef AFTERFORK_SUSPECT_LOCK_H
#define AFTERFORK_SUSPECT_LOCK_H

#include <stdbool.h>

#include "supervisor_suspect.h"

/* True where the lock names who could let it go. */
bool suspect_lock_has_owner(const struct pending_incident *incident);
bool suspect_lock_owner_is_vanished(const struct pending_incident *incident);
/* True where a signal handler of the program could end the wait, or nothing is known of its handlers. */
bool suspect_lock_handler_could_help(const struct pending_incident *incident);
/* A wait that is for any thread to end: true where another process could end it, because it runs in the same
 * memory, or, inside of fork, by waking a thread of this one through shared memory. */
bool suspect_lock_others_could_help(const struct pending_incident *incident);
/* True where the lock's memory says that it is free. */
bool suspect_lock_is_let_go(const struct pending_incident *incident);
/* True where the wait is one for this lock. */
bool suspect_lock_is_waited_for(const struct suspect *suspect, const struct proc_wait *wait);
/* Inside of fork: the circle is closed. */
bool suspect_lock_holder_waits_for_victim(const struct pending_incident *incident);
/* True for a loop of tries that never ends. */
bool suspect_lock_is_in_endless_loop(const struct pending_incident *incident);
/* True for what is waited for by burning CPU. */
bool suspect_lock_may_spin(const struct pending_incident *incident);

#endif
