/* The notices of a trace, told: each once, with the number of times that it happened. */
#ifndef AFTERFORK_REPORT_NOTICE_H
#define AFTERFORK_REPORT_NOTICE_H

#include "report.h"

/* 0, or -1 when out of memory. */
int report_notice_add_all(struct report *report);

#endif
