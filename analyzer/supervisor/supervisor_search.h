/* Where suspects come from: what the library wrote into the trace, calls that the trace only counts, and the
 * watch from outside. */
#ifndef AFTERFORK_SUPERVISOR_SEARCH_H
#define AFTERFORK_SUPERVISOR_SEARCH_H

#include <stdint.h>

#include "supervisor_deadlock.h"

enum { SUPERVISOR_SEARCH_INTERVAL_MS = 100 };

/* Each adds to watch->suspects what it finds, and sets when it is due again. */
void supervisor_search_trace(struct deadlock_watch *watch, uint64_t now_ns);
void supervisor_search_tree(struct deadlock_watch *watch, uint64_t now_ns);
void supervisor_search_outside(struct deadlock_watch *watch, uint64_t now_ns);
/* True where the library has said what the process hangs on, and that no fork is to blame. */
bool supervisor_search_has_told(const struct deadlock_watch *watch, pid_t pid);

#endif
