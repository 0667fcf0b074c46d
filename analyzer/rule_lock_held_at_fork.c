#include "rule.h"

/* No observation of the trace supports this rule yet: it is listed, and never matches. */
const struct rule rule_lock_held_at_fork = {
    .name = "lock-held-at-fork",
    .verdict = VERDICT_POSSIBLE,
    .summary = "another thread held a lock at the fork, and the child ran on without exec",
    .advice =
        "This run got by on luck: call exec at once in the child, or cover the lock with fork handlers.",
};
