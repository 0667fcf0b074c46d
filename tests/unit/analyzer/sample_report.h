/* Reports made by hand, for the tests of the renderers. */
#ifndef AFTERFORK_TESTS_SAMPLE_REPORT_H
#define AFTERFORK_TESTS_SAMPLE_REPORT_H

#include "report.h"

/* Two findings: a plain C program with sources in `source_folder`, whose stacks have every kind of frame, and
 * a C++ program with long names. All is static: valid until the next call, nothing to release. */
const struct report *sample_report_full(const char *source_folder);
/* A run without findings. */
const struct report *sample_report_clean(void);
/* A run without findings of which something was not seen. */
const struct report *sample_report_partial(void);
/* One finding of which next to nothing is known, and strings that could harm a terminal. */
const struct report *sample_report_bare(void);

/* The report as rendered; malloc'ed. */
char *sample_report_render(const struct report *report, const struct renderer *renderer,
                           const struct render_options *options);

/* Compares with a file of the reports folder and says where they part. With AFTERFORK_UPDATE_EXPECTED in the
 * environment the file is written instead. */
void sample_report_expect(const char *file_name, const char *text);

#endif
