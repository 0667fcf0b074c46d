#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "options.h"
#include "report_finding.h"
#include "report_notice.h"
#include "rule.h"
#include "suppressions.h"
#include "text_layout.h"
#include "trace_files.h"

static int complain_memory(void)
{
	fputs("afterfork: out of memory while the report was built\n", stderr);
	return -1;
}

static int read_suppressions(struct suppressions *suppressions, const struct report_options *options)
{
	for (size_t i = 0; i < options->suppression_file_count; i++)
		if (suppressions_read(suppressions, options->suppression_files[i]))
			return -1;
	return 0;
}

/* They name files of a trace folder, which may be anybody's. */
static void print_warnings(const struct message_list *warnings)
{
	for (size_t i = 0; i < warnings->count; i++) {
		char *clean = text_layout_clean(warnings->items[i]);

		fprintf(stderr, "afterfork: %s\n", clean ? clean : "out of memory");
		free(clean);
	}
}

static int read_traces(struct report *report, char *const *paths, size_t path_count)
{
	struct trace_files_result files = {0};

	for (size_t i = 0; i < path_count; i++)
		trace_files_read(paths[i], &model_trace_sink, report->model, &report->warnings, &files);
	report->summary.dropped_records = files.dropped_records;
	report->summary.damaged_records = files.damaged_records;
	trace_files_release(&files);
	if (files.file_count)
		return 0;
	print_warnings(&report->warnings);
	return -1;
}

static void add_counters(struct report_summary *summary, const struct model_run *run)
{
	summary->counters_known |= run->has_file;
	summary->processes += run->processes;
	summary->threads += run->threads;
	summary->forks += run->forks;
	summary->images += run->images;
	summary->images_unrecorded += run->images_unrecorded;
	summary->execs_uncovered += run->execs_uncovered;
	summary->cut_stacks += run->cut_stacks;
	summary->lost_held += run->lost_held;
}

/* What only one run can have: a report over several leaves it out. */
static void describe_only_run(struct report *report, const struct model_run *run)
{
	report->command = run->command_count ? run->command : NULL;
	report->command_count = run->command_count;
	report->command_truncated = run->command_truncated;
	report->started_realtime_ns = run->started_realtime_ns;
	if (!run->ended)
		return;
	report->duration_known = run->ended_ns >= run->started_monotonic_ns;
	report->duration_ns = report->duration_known ? run->ended_ns - run->started_monotonic_ns : 0;
	report->exit_known = run->exit_code >= 0 || run->exit_signal;
	report->exit_code = run->exit_code;
	report->exit_signal = run->exit_signal;
}

static void describe_runs(struct report *report)
{
	const struct model_run *runs = model_runs(report->model, &report->trace_count);

	for (size_t i = 0; i < report->trace_count; i++)
		add_counters(&report->summary, &runs[i]);
	if (report->trace_count == 1)
		describe_only_run(report, &runs[0]);
}

static int add_finding(struct report *report, const struct incident *incident)
{
	struct rule_match match;
	const struct rule *rule = rules_match(report->model, incident, &match);
	struct finding *finding;

	if (!rule)
		return 0;
	finding = report_finding_make(report, incident, rule, &match);
	return finding ? findings_add(&report->findings, finding) : -1;
}

static int apply_rules(struct report *report)
{
	size_t count;
	const struct incident *incidents = model_incidents(report->model, &count);

	for (size_t i = 0; i < count; i++)
		if (add_finding(report, &incidents[i]))
			return -1;
	return 0;
}

static void suppress(struct report *report, struct suppressions *suppressions)
{
	struct finding_list *list = &report->findings;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (suppressions_match(suppressions, list->items[i])) {
			report->summary.suppressed++;
			finding_free(list->items[i]);
			continue;
		}
		report->summary.by_verdict[list->items[i]->verdict]++;
		list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

static int analyse(struct report *report, struct suppressions *suppressions,
                   const struct report_options *options)
{
	struct symbolizer_options symbolizer_options = options->symbolizer;

	symbolizer_options.warnings = &report->warnings;
	report->symbolizer = symbolizer_new(&symbolizer_options);
	if (!report->symbolizer)
		return complain_memory();
	model_finish(report->model);
	describe_runs(report);
	if (apply_rules(report))
		return complain_memory();
	findings_drop_lesser(&report->findings);
	if (report_notice_add_all(report))
		return complain_memory();
	suppress(report, suppressions);
	findings_sort(&report->findings);
	if (options->tell_unused_suppressions)
		suppressions_tell_unused(suppressions);
	return 0;
}

/* The report's address must be its last one: the symbolizer keeps a pointer to its warnings. */
static int build(struct report *report, char *const *paths, size_t path_count,
                 const struct report_options *options)
{
	struct suppressions suppressions = {0};
	int status;

	report->model = model_new();
	if (!report->model)
		return complain_memory();
	status = read_suppressions(&suppressions, options);
	if (!status)
		status = read_traces(report, paths, path_count);
	if (!status)
		status = analyse(report, &suppressions, options);
	suppressions_release(&suppressions);
	return status;
}

int report_build(struct report *ret_report, char *const *paths, size_t path_count,
                 const struct report_options *options)
{
	*ret_report = (struct report){0};
	if (build(ret_report, paths, path_count, options)) {
		report_release(ret_report);
		return -1;
	}
	return 0;
}

void report_release(struct report *report)
{
	findings_release(&report->findings);
	for (size_t i = 0; i < report->notice_count; i++)
		free(report->notices[i].text);
	free(report->notices);
	symbolizer_free(report->symbolizer);
	model_free(report->model);
	pool_release(&report->pool);
	message_list_release(&report->warnings);
	*report = (struct report){0};
}

int report_exit_code(const struct report *report, const struct options *options)
{
	static const enum verdict thresholds[] = {
	    [FAIL_ON_CERTAIN] = VERDICT_CERTAIN,
	    [FAIL_ON_LIKELY] = VERDICT_LIKELY,
	    [FAIL_ON_POSSIBLE] = VERDICT_POSSIBLE,
	    [FAIL_ON_NEVER] = VERDICT_COUNT,
	};

	for (unsigned verdict = thresholds[options_choice(options, OPTION_FAIL_ON)]; verdict < VERDICT_COUNT;
	     verdict++)
		if (report->summary.by_verdict[verdict])
			return (int)options_number(options, OPTION_ERROR_EXITCODE);
	return 0;
}
