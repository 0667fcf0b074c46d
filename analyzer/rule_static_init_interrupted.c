#include "rule.h"

/* No observation of the trace supports this rule yet: it is listed, and never matches. */
const struct rule rule_static_init_interrupted = {
    .name = "static-init-interrupted",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits for the initialisation of a static variable that a vanished thread had begun",
    .advice =
        "Run the initialisation before the first fork, for instance at start-up, before threads are started.",
};
