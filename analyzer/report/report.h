/* One report: what was run, what was found. Built from traces, rendered in any format. */
#ifndef AFTERFORK_REPORT_H
#define AFTERFORK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "findings.h"
#include "message_list.h"
#include "pool.h"
#include "renderer.h"
#include "symbolize.h"

struct model;
struct options;

/* Something that is no fault but limits what the report covers. */
struct report_notice {
	const char *kind; /* "exec-static", ...; static */
	char *text;       /* one sentence */
	const char *path;
	pid_t pid;      /* of the first */
	uint64_t count; /* times that it happened */
	bool is_advice; /* nothing is missing from the report for it */
};

struct report_summary {
	uint64_t by_verdict[VERDICT_COUNT]; /* findings, suppressed ones left out; index: enum verdict */
	bool counters_known; /* a run's own file was read, which has those up to `execs_uncovered` */
	uint64_t processes, threads, forks, images, images_unrecorded;
	uint64_t cut_stacks; /* end before the thread's first frame */
	uint64_t lost_held;  /* acquisitions that a full thread record could not keep */
	uint64_t execs_uncovered;
	uint64_t dropped_records; /* found no room in the trace */
	uint64_t damaged_records; /* in the trace, but unfinished or damaged */
	uint64_t suppressed;      /* findings */
};

struct report {
	/* Of the run; several traces with different commands leave these unknown. */
	const char **command; /* command_count strings, NULL-terminated array; NULL: not known */
	size_t command_count;
	bool command_truncated;
	uint64_t started_realtime_ns; /* 0: not known */
	uint64_t duration_ns;
	bool duration_known;
	int exit_code, exit_signal; /* code is -1 where a signal ended the command */
	bool exit_known;
	size_t trace_count; /* runs that were read */
	struct report_summary summary;
	struct finding_list findings; /* sorted */
	struct report_notice *notices;
	size_t notice_count;
	struct message_list warnings; /* about the traces and the modules */

	/* For the machinery, not for renderers. They own the strings above. */
	struct model *model;
	struct symbolizer *symbolizer;
	struct pool pool;
};

struct report_options {
	struct symbolizer_options symbolizer; /* its `warnings` is ignored: the report's own list is used */
	const char *const *suppression_files;
	size_t suppression_file_count;
	bool tell_unused_suppressions; /* on stderr */
};

/* Reads traces (files or folders), applies the rules, symbolizes, merges, suppresses, sorts. What can be read
 * is reported even if some of it is damaged (see `warnings`). 0, or -1 when nothing could be read or a
 * suppression file is wrong: the reason was printed on stderr and *ret_report is zeroed. The report must not
 * be moved or copied. */
int report_build(struct report *ret_report, char *const *paths, size_t path_count,
                 const struct report_options *options);
void report_release(struct report *report);

/* Checks a --format list ("text,json=FILE") without opening anything. 0, or -1 with the reason on stderr:
 * call it before the program runs. */
int report_check_formats(const char *list);
/* Checks that each FILE of a good list could be written, as far as that can be told without opening it. */
int report_check_places(const char *list);
/* Renders in every format of the list, to its FILE or to stdout. `options->color` is set for each output from
 * color_mode. 0, or -1 with the reason on stderr. */
int report_render_all(const struct report *report, const char *list, const struct render_options *options);

/* One line for each format, for --help. */
void report_print_formats(FILE *out);

/* All that report_build() and report_render_all() need, taken from the command line's options. */
void report_options_from(struct report_options *ret_report, struct render_options *ret_render,
                         const struct options *options);

/* --error-exitcode where a finding reaches --fail-on, else 0. */
int report_exit_code(const struct report *report, const struct options *options);

#endif
