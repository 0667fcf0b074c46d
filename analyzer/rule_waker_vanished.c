#include "rule.h"

/* No observation of the trace supports this rule yet: it is listed, and never matches. */
const struct rule rule_waker_vanished = {
    .name = "waker-vanished",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits for a signal, post, arrival or end that only a vanished thread could give",
    .advice = "Do not wait in the child for threads that only the parent has: initialise condition "
              "variables, semaphores and barriers anew in the child, or call exec.",
};
