/* Traces as files: what earlier versions wrote must stay readable, and say the same. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "sample_report.h"
#include "stored_traces.h"

extern const struct renderer render_text, render_json;

Test(stored_traces, are_what_the_builder_writes)
{
	for (size_t i = 0; i < stored_traces_count; i++) {
		struct trace_builder *builder = stored_traces[i].build();
		size_t size_bytes;
		const unsigned char *data = trace_builder_data(builder, &size_bytes);
		unsigned char *stored = malloc(size_bytes + 1);
		char path[4096];
		FILE *file;

		snprintf(path, sizeof path, TEST_DATA_FOLDER "/traces/%s/%s", stored_traces[i].folder,
		         stored_traces[i].file);
		file = fopen(path, "rb");
		cr_assert_not_null(file, "%s is missing: write_stored_traces makes it", path);
		cr_assert_eq(fread(stored, 1, size_bytes + 1, file), size_bytes, "%s has another size", path);
		cr_assert_eq(memcmp(stored, data, size_bytes), 0, "%s differs", path);
		fclose(file);
		free(stored);
		trace_builder_free(builder);
	}
}

/* Warnings name files as they were given: relative ones, or the expected report would name this machine's
 * folders. */
static void expect_reports(const char *name)
{
	char *trace, *file_name, *text;
	struct report report;

	cr_assert_eq(chdir(TEST_DATA_FOLDER), 0);
	cr_assert_geq(asprintf(&trace, "traces/%s", name), 0);
	cr_assert_eq(report_build(&report, &trace, 1, &(struct report_options){0}), 0);
	cr_assert_geq(asprintf(&file_name, "../traces/%s.txt", name), 0);
	text = sample_report_render(&report, &render_text, &(struct render_options){.verbose = true});
	sample_report_expect(file_name, text);
	free(text);
	free(file_name);
	cr_assert_geq(asprintf(&file_name, "../traces/%s.json", name), 0);
	text = sample_report_render(&report, &render_json, &(struct render_options){0});
	sample_report_expect(file_name, text);
	free(text);
	free(file_name);
	free(trace);
	report_release(&report);
}

Test(stored_traces, tell_the_story_of_the_vanished_thread)
{
	expect_reports("vanished");
}

Test(stored_traces, show_every_rule)
{
	expect_reports("every");
}

Test(stored_traces, say_nothing_where_nothing_was_met)
{
	expect_reports("quiet");
}

Test(stored_traces, keep_what_is_whole_of_a_damaged_one)
{
	expect_reports("damaged");
}

static int is_folder(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

/* By the library and the command, of cases (record_traces). */
Test(stored_traces, are_reported_as_when_they_were_recorded)
{
	enum { RECORDED_MIN = 16 };
	struct dirent **entries;
	int count = scandir(TEST_DATA_FOLDER "/traces/recorded", &entries, is_folder, alphasort);

	cr_assert_geq(count, RECORDED_MIN);
	for (int i = 0; i < count; i++) {
		char *name;

		cr_assert_geq(asprintf(&name, "recorded/%s", entries[i]->d_name), 0);
		expect_reports(name);
		free(name);
		free(entries[i]);
	}
	free(entries);
}
