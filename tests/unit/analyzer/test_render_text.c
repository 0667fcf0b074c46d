#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample_report.h"

extern const struct renderer render_text;

#define SOURCES TEST_DATA_FOLDER "/reports/source"

static void expect(const char *file_name, const struct report *report, struct render_options options)
{
	char *text = sample_report_render(report, &render_text, &options);
	sample_report_expect(file_name, text);
	free(text);
}

/* Paths below the current folder are printed relative: so no expected report names the machine's folders. */
static void expect_full(const char *file_name, struct render_options options)
{
	cr_assert_eq(chdir(SOURCES), 0);
	char *folder = getcwd(NULL, 0);
	expect(file_name, sample_report_full(folder), options);
	free(folder);
}

Test(render_text, tells_the_story_in_default_width)
{
	expect_full("full-100.txt", (struct render_options){0});
}

Test(render_text, folds_to_60_columns)
{
	expect_full("full-60.txt", (struct render_options){.width_columns = 60});
}

Test(render_text, folds_to_80_columns)
{
	expect_full("full-80.txt", (struct render_options){.width_columns = 80});
}

Test(render_text, uses_120_columns)
{
	expect_full("full-120.txt", (struct render_options){.width_columns = 120});
}

Test(render_text, treats_narrower_terminals_as_60_columns)
{
	expect_full("full-60.txt", (struct render_options){.width_columns = 17});
}

Test(render_text, colours_when_asked_to)
{
	expect_full("full-color.txt", (struct render_options){.color = true});
}

Test(render_text, says_more_when_verbose)
{
	expect_full("full-verbose.txt", (struct render_options){.verbose = true});
}

Test(render_text, limits_stacks)
{
	expect_full("full-limit.txt", (struct render_options){.stack_limit = 2, .quiet = true});
}

Test(render_text, says_in_one_line_that_nothing_was_found)
{
	expect("clean.txt", sample_report_clean(), (struct render_options){0});
}

Test(render_text, never_calls_a_partly_covered_run_clean)
{
	expect("partial.txt", sample_report_partial(), (struct render_options){0});
}

Test(render_text, leaves_out_the_unknown_and_disarms_control_characters)
{
	expect("bare.txt", sample_report_bare(), (struct render_options){0});
}

Test(render_text, prints_nothing_when_quiet_and_nothing_was_found)
{
	char *text = sample_report_render(sample_report_clean(), &render_text,
	                                  &(struct render_options){.quiet = true});
	cr_assert_str_eq(text, "");
	free(text);
}

static bool may_be_long(const char *line)
{
	line += strspn(line, " ");
	return *line == '#' || strncmp(line, "at ", 3) == 0 || !strchr(line, ' ');
}

/* Only a name that must not be broken may stand out. */
Test(render_text, keeps_to_the_width)
{
	cr_assert_eq(chdir(SOURCES), 0);
	char *folder = getcwd(NULL, 0);
	for (unsigned width = 60; width <= 160; width++) {
		struct render_options options = {.width_columns = width};
		char *text = sample_report_render(sample_report_full(folder), &render_text, &options);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			cr_assert(strlen(line) <= width || may_be_long(line), "width %u: %s", width, line);
		free(text);
	}
	free(folder);
}
