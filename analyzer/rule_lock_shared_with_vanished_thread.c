#include "rule.h"

/* No observation of the trace supports this rule yet: it is listed, and never matches. */
const struct rule rule_lock_shared_with_vanished_thread = {
    .name = "lock-shared-with-vanished-thread",
    .verdict = VERDICT_POSSIBLE,
    .summary = "the child used a lock that other threads of the parent use and no fork handler covers",
    .advice =
        "This run got by on luck: cover the lock with fork handlers, or do not use it between fork and exec.",
};
