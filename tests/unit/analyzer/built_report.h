/* A report from built traces, through the files on disk and every step that a user's report takes. */
#ifndef AFTERFORK_BUILT_REPORT_H
#define AFTERFORK_BUILT_REPORT_H

#include "report.h"
#include "trace_builder.h"

/* A fresh folder for a trace; removed with its files by built_report_remove(). */
char *built_report_folder(void);
void built_report_remove(char *folder);
/* Writes the builder's file there under this name and frees the builder. */
void built_report_add(const char *folder, const char *name, struct trace_builder *builder);

/* Reports on incidents of one image in one run. Release it with report_release(). */
void built_report_make(struct report *ret_report, const struct built_incident *incidents, size_t count);
/* Reports on one incident, beside which two threads had slept on what the process woke; its only finding. */
const struct finding *built_report_of_handed_work(struct report *ret_report,
                                                  const struct built_incident *incident, uint32_t call);
/* The same, of so many that slept at the fork. */
const struct finding *built_report_of_work_for(struct report *ret_report,
                                               const struct built_incident *incident, uint32_t call,
                                               unsigned waiting_threads);
/* The same for one incident: its only finding, or NULL. */
const struct finding *built_report_finding(struct report *ret_report, const struct built_incident *incident);

#endif
