#include "rule.h"

/* No observation of the trace supports this rule yet: it is listed, and never matches. */
const struct rule rule_libc_lock_held_by_vanished_thread = {
    .name = "libc-lock-held-by-vanished-thread",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits inside libc for a lock of libc's own that a vanished thread held",
    .advice = "Call only async-signal-safe functions in the child until it calls exec; do the rest before "
              "the fork.",
};
