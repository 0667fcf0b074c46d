/* What is done to a process that is proven to be deadlocked. */
#ifndef AFTERFORK_SUPERVISOR_ACTION_H
#define AFTERFORK_SUPERVISOR_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor_deadlock.h"

/* The report is stored, or (`stored` false) could not be: looks once more, says so on stderr, acts. */
void supervisor_action_take(struct deadlock_watch *watch, struct deadlock_process *process, bool stored,
                            uint64_t now_ns);
/* Takes back what was told from outside of a process that goes on. */
void supervisor_action_withdraw(const struct deadlock_watch *watch, const struct suspect *suspect);
/* Says, once, why a process that has been stuck for a while is let be. */
void supervisor_action_explain(const struct deadlock_watch *watch, struct suspect *suspect, uint64_t now_ns);
/* Later on: a process that outlives SIGABRT is killed. */
void supervisor_action_follow(const struct deadlock_watch *watch, struct deadlock_process *process,
                              uint64_t now_ns);

#endif
