#include "rule.h"

/* No observation of the trace supports this rule yet: it is listed, and never matches. */
const struct rule rule_atfork_handler_deadlock = {
    .name = "atfork-handler-deadlock",
    .verdict = VERDICT_CERTAIN,
    .summary = "the parent is stuck inside fork, in its own fork handlers",
    .advice =
        "Prepare handlers must take their locks in the order of the program; they run last registered first.",
};
