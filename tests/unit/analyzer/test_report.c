#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "report_fixture.h"

TestSuite(report, .init = make_folder, .fini = remove_folder);

static void write_text(const char *name, const char *text)
{
	char *path = path_of(name);
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	free(path);
}

static bool warns_of(const struct report *report, const char *text)
{
	for (size_t i = 0; i < report->warnings.count; i++)
		if (strstr(report->warnings.items[i], text))
			return true;
	return false;
}

Test(report, takes_command_times_and_counters_from_the_run)
{
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);
	struct report report;

	trace_builder_run(run)->exit_code = 3;
	trace_builder_run(run)->file.dropped_records = 5;
	trace_builder_run(run)->cut_stacks = 6;
	built_report_add(folder, "run", run);
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_eq(report.command_count, 3);
	cr_assert_str_eq(report.command[0], "story");
	cr_assert_eq(report.started_realtime_ns, 1760000000000000000u);
	cr_assert(report.duration_known && report.exit_known);
	cr_assert_eq(report.duration_ns, 12500000000u);
	cr_assert_eq(report.exit_code, 3);
	cr_assert_eq(report.summary.processes, 2);
	cr_assert_eq(report.summary.threads, 3);
	cr_assert_eq(report.summary.forks, 1);
	cr_assert_eq(report.summary.dropped_records, 5);
	cr_assert_eq(report.summary.cut_stacks, 6);
	cr_assert_eq(report.findings.count, 0);
	cr_assert_eq(report.warnings.count, 0);
	report_release(&report);
}

Test(report, leaves_the_end_of_a_run_that_has_none_unknown)
{
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);
	struct report report;

	trace_builder_run(run)->ended = 0;
	built_report_add(folder, "run", run);
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_not(report.duration_known);
	cr_assert_not(report.exit_known);
	report_release(&report);
}

Test(report, reads_image_files_without_a_run_and_says_what_is_missing)
{
	struct report report;

	add_story_image("image-4200-1");
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_null(report.command);
	cr_assert(warns_of(&report,
	                   "there is no file named run in it: the command, its end and all counters are not "
	                   "known"));
	report_release(&report);
}

Test(report, reads_a_single_file)
{
	struct report report;
	char *path = path_of("image-4200-1");

	add_story_image("image-4200-1");
	cr_assert_eq(report_build(&report, &path, 1, &no_options), 0);
	cr_assert_eq(report.findings.count, 1);
	report_release(&report);
	free(path);
}

Test(report, counts_a_file_that_is_named_twice_once)
{
	char *paths[2] = {folder, path_of("image-4200-1")};
	struct report report;

	add_story_image("image-4200-1");
	cr_assert_eq(report_build(&report, paths, 2, &no_options), 0);
	cr_assert_eq(report.findings.items[0]->count, 1);
	cr_assert(warns_of(&report, "named twice, read once"));
	report_release(&report);
	free(paths[1]);
}

Test(report, over_several_runs_adds_counters_and_names_no_single_command)
{
	struct trace_builder *first = trace_builder_new(TRACE_FILE_RUN),
	                     *second = trace_builder_new(TRACE_FILE_RUN);
	char *paths[2] = {path_of("run"), path_of("other")};
	struct report report;

	trace_builder_run(second)->file.run_id++;
	built_report_add(folder, "run", first);
	built_report_add(folder, "other", second);
	cr_assert_eq(report_build(&report, paths, 2, &no_options), 0);
	cr_assert_eq(report.trace_count, 2);
	cr_assert_eq(report.summary.processes, 4);
	cr_assert_null(report.command);
	cr_assert_not(report.duration_known || report.exit_known);
	report_release(&report);
	free(paths[0]);
	free(paths[1]);
}

Test(report, goes_on_past_files_that_cannot_be_read)
{
	struct report report;

	built_report_add(folder, "run", trace_builder_new(TRACE_FILE_RUN));
	add_story_image("image-4200-1");
	write_text("image-4201-1", "");
	write_text("image-4202-1", "#!/bin/sh\n");
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.warnings.count, 4); /* these two files and two modules that are gone */
	cr_assert(warns_of(&report, "/image-4201-1: the file is empty: the program ended before anything was "
	                            "recorded"));
	cr_assert(warns_of(&report, "/image-4202-1: it is not an afterfork trace"));
	report_release(&report);
}

Test(report, warns_of_a_truncated_file_and_of_damaged_records)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	char *path = path_of("image-4200-1");
	struct report report;

	trace_builder_add_incident(image, &story);
	trace_builder_add_claimed(image, 2);
	trace_builder_add_incident(image, &story);
	built_report_add(folder, "image-4200-1", image);
	cr_assert_eq(truncate(path, TRACE_HEADER_SIZE_BYTES + 8 * TRACE_GRANULE_BYTES), 0);
	cr_assert_eq(report_build(&report, &path, 1, &no_options), 0);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.findings.items[0]->count, 1);
	cr_assert_eq(report.summary.damaged_records, 1);
	cr_assert(warns_of(&report, "the file is shorter than when it was written; what is whole was read"));
	cr_assert(warns_of(&report, "skipped 1 unfinished or damaged record"));
	report_release(&report);
	free(path);
}

/* Holes cost its maker nothing, and a reader that loads them all its memory. */
Test(report, reads_the_start_only_of_a_file_that_is_too_large)
{
	const uint64_t huge = UINT64_C(64) << 30;
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	char *path = path_of("image-4200-1");
	struct report report;

	trace_builder_add_incident(image, &story);
	trace_builder_image(image)->file.file_size_bytes = trace_builder_image(image)->file.tail_bytes = huge;
	built_report_add(folder, "image-4200-1", image);
	cr_assert_eq(truncate(path, (off_t)huge), 0);
	cr_assert_eq(report_build(&report, &path, 1, &no_options), 0);
	cr_assert_eq(report.findings.count, 1);
	cr_assert(warns_of(&report, "larger than any that is written; its first 64 MiB were read"));
	report_release(&report);
	free(path);
}

Test(report, leaves_out_counters_where_no_run_file_tells_them)
{
	struct report report;

	add_story_image("image-4200-1");
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_not(report.summary.counters_known);
	report_release(&report);
	built_report_add(folder, "run", trace_builder_new(TRACE_FILE_RUN));
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert(report.summary.counters_known);
	report_release(&report);
}

Test(report, gives_names_of_files_to_no_terminal_as_they_are)
{
	char *path = path_of("image-\033]0;title\a");
	struct report report;
	char said[512] = "";

	built_report_add(folder, "image-\033]0;title\a", trace_builder_new(TRACE_FILE_IMAGE));
	cr_assert_eq(truncate(path, 3), 0);
	cr_redirect_stderr();
	cr_assert_neq(report_build(&report, &path, 1, &no_options), 0);
	fflush(stderr);
	FILE *redirected = cr_get_redirected_stderr();
	cr_assert_gt(fread(said, 1, sizeof said - 1, redirected), 0);
	cr_assert_not_null(strstr(said, "image-\\x1b]0;title\\x07"), "%s", said);
	cr_assert_null(strchr(said, '\033'));
	free(path);
}

Test(report, tells_a_trace_of_another_machine_and_reads_it)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);
	struct built_incident story = trace_builder_story();
	struct report report;

	trace_builder_add_incident(image, &story);
	trace_builder_image(image)->file.machine = EM_MIPS;
	trace_builder_run(run)->file.machine = EM_MIPS;
	built_report_add(folder, "image-4200-1", image);
	built_report_add(folder, "run", run);
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.warnings.count, 3, "it is said once; two modules are gone");
	cr_assert(
	    warns_of(&report, "recorded on another type of machine (mips, ELF machine 8; this one is "));
	report_release(&report);
}

static void expect_failure(const char *path, const char *format)
{
	struct report report;
	char *paths[1] = {(char *)path}, *expected;

	cr_redirect_stderr();
	cr_assert_eq(report_build(&report, paths, 1, &no_options), -1);
	fflush(stderr);
	cr_assert_geq(asprintf(&expected, format, path), 0);
	cr_assert_stderr_eq_str(expected);
	free(expected);
}

Test(report, fails_on_a_path_that_is_not_there)
{
	expect_failure("/nonexistent/trace", "afterfork: cannot read %s: No such file or directory\n");
}

Test(report, fails_on_a_folder_without_a_trace)
{
	expect_failure(folder,
	               "afterfork: cannot read %s: no trace in this folder (expected a file named run or "
	               "image-*, as afterfork run leaves)\n");
}

Test(report, fails_on_a_device)
{
	expect_failure("/dev/null", "afterfork: cannot read %s: it is neither a file nor a folder\n");
}

Test(report, fails_on_a_newer_trace)
{
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);
	char *path = path_of("newer");

	trace_builder_run(run)->file.version = 2;
	built_report_add(folder, "newer", run);
	expect_failure(path, "afterfork: cannot read %s: written by a newer afterfork (format 2, this one "
	                     "reads up to 1); read it with that version\n");
	free(path);
}

Test(report, leaves_suppressed_findings_out_and_counts_them)
{
	char *suppressions = path_of("hide");
	const char *const files[] = {suppressions};
	const struct report_options options = {.suppression_files = files, .suppression_file_count = 1};
	struct report report;

	add_story_image("image-4200-1");
	write_text("hide", "lock-held-by-vanished-thread:story\n");
	cr_assert_eq(report_build(&report, &folder, 1, &options), 0);
	cr_assert_eq(report.findings.count, 0);
	cr_assert_eq(report.summary.suppressed, 1);
	cr_assert_eq(report.summary.by_verdict[VERDICT_CERTAIN], 0);
	report_release(&report);
	free(suppressions);
}

Test(report, tells_each_notice_once_with_its_count)
{
	struct trace_builder *run = trace_builder_new(TRACE_FILE_RUN);
	struct report report;

	trace_builder_add_notice(run, TRACE_NOTICE_EXEC_STATIC, 0, "/bin/busybox");
	trace_builder_add_notice(run, TRACE_NOTICE_EXEC_STATIC, 0, "/bin/busybox");
	trace_builder_add_notice(run, TRACE_NOTICE_UNRECORDED, 28, NULL);
	trace_builder_add_notice(run, 4000, 0, NULL);
	built_report_add(folder, "run", run);
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_eq(report.notice_count, 2);
	cr_assert_str_eq(report.notices[0].kind, "exec-static");
	cr_assert_eq(report.notices[0].count, 2);
	cr_assert_str_eq(report.notices[0].text,
	                 "/bin/busybox is statically linked and cannot load the library: it and "
	                 "its children are not covered");
	cr_assert_str_eq(
	    report.notices[1].text,
	    "a process found no place for its records (No space left on device): what it met is missing "
	    "here");
	report_release(&report);
}

static int exit_code_at(const char *fail_on, enum verdict verdict)
{
	char *argv[] = {"report", "--error-exitcode=7", NULL, NULL};
	struct report report = {0};
	struct options options;
	int first, code;

	cr_assert_geq(asprintf(&argv[2], "--fail-on=%s", fail_on), 0);
	cr_assert_eq(options_parse(&options, OPTION_FOR_REPORT, NULL, 3, argv, &first), 0);
	report.summary.by_verdict[verdict] = 1;
	code = report_exit_code(&report, &options);
	options_release(&options);
	free(argv[2]);
	return code;
}

Test(report, exits_with_the_error_code_from_the_asked_verdict_up)
{
	cr_assert_eq(exit_code_at("certain", VERDICT_CERTAIN), 7);
	cr_assert_eq(exit_code_at("certain", VERDICT_LIKELY), 0);
	cr_assert_eq(exit_code_at("likely", VERDICT_CERTAIN), 7);
	cr_assert_eq(exit_code_at("likely", VERDICT_LIKELY), 7);
	cr_assert_eq(exit_code_at("likely", VERDICT_POSSIBLE), 0);
	cr_assert_eq(exit_code_at("possible", VERDICT_POSSIBLE), 7);
	cr_assert_eq(exit_code_at("possible", VERDICT_NOTE), 0);
	cr_assert_eq(exit_code_at("never", VERDICT_CERTAIN), 0);
}
