/* From an incident that a rule took to a finding: symbolized, named, told. */
#ifndef AFTERFORK_REPORT_FINDING_H
#define AFTERFORK_REPORT_FINDING_H

#include "report.h"
#include "rule.h"

/* NULL when out of memory. Its strings belong to the report's model, symbolizer and pool. */
struct finding *report_finding_make(struct report *report, const struct incident *incident,
                                    const struct rule *rule, const struct rule_match *match);

#endif
