/* Puts the report beside the trace: report.txt and report.json in the trace folder. */
#ifndef AFTERFORK_SUPERVISOR_REPORT_H
#define AFTERFORK_SUPERVISOR_REPORT_H

#include <stdbool.h>
#include <sys/types.h>

struct options;
struct report;

/* Both files, each complete or not there: written under another name, synced, renamed. False with errno set.
 */
bool supervisor_report_store(const struct report *report, int folder_fd, const struct options *options);

/* Builds and stores the report of the run so far, in a process of its own: symbols may take long, and what is
 * read comes from the program. A quick one has names but no source lines, as nothing that may be large is
 * read for it. Its pid, to be waited for (exit code 0: stored), or -1 with errno set. */
pid_t supervisor_report_start(const char *folder, int folder_fd, const struct options *options, bool quick);

#endif
