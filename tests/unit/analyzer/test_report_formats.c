/* Where reports go: formats and their files. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report_fixture.h"

TestSuite(report_formats, .init = make_folder, .fini = remove_folder);

static void expect_bad_format(const char *list, const char *message)
{
	cr_redirect_stderr();
	cr_assert_eq(report_check_formats(list), -1);
	fflush(stderr);
	cr_assert_stderr_eq_str(message);
}

Test(report_formats, takes_lists_of_formats_with_and_without_files)
{
	cr_assert_eq(report_check_formats("text"), 0);
	cr_assert_eq(report_check_formats("text,json=a=b.json"), 0);
	cr_assert_eq(report_check_formats("json=x,text=y,text"), 0);
}

Test(report_formats, refuses_an_unknown_format)
{
	expect_bad_format("text,xml=x",
	                  "afterfork: --format: unknown format \"xml\"; known are text, json\n");
}

Test(report_formats, refuses_an_empty_format_at_the_end)
{
	expect_bad_format("text,", "afterfork: --format: unknown format \"\"; known are text, json\n");
}

Test(report_formats, refuses_a_format_without_its_file)
{
	expect_bad_format("json=", "afterfork: --format: no file name follows \"json=\"\n");
}

Test(report_formats, takes_places_where_a_file_could_be_written)
{
	char *there = path_of("a.json"), *list;

	cr_assert_geq(asprintf(&list, "text,json=%s,text=/dev/full", there), 0);
	cr_assert_eq(report_check_places(list), 0);
	cr_assert_neq(access(there, F_OK), 0, "it was made");
	free(list);
	free(there);
}

static void expect_bad_place(const char *list, const char *message)
{
	cr_redirect_stderr();
	cr_assert_eq(report_check_places(list), -1);
	fflush(stderr);
	cr_assert_stderr_eq_str(message);
}

Test(report_formats, refuses_a_place_in_a_folder_that_is_not_there)
{
	expect_bad_place(
	    "text,json=/nonexistent/r.json",
	    "afterfork: cannot write the json report to /nonexistent/r.json: No such file or directory\n");
}

Test(report_formats, refuses_a_place_that_is_a_folder)
{
	expect_bad_place("text=/", "afterfork: cannot write the text report to /: Is a directory\n");
}

Test(report_formats, writes_every_format_to_its_file)
{
	char *text = path_of("a.txt"), *json = path_of("a.json"), *list;
	const struct render_options options = {0};
	struct report report;
	struct stat status;

	add_story_image("image-4200-1");
	cr_assert_eq(report_build(&report, &folder, 1, &no_options), 0);
	cr_assert_geq(asprintf(&list, "text=%s,json=%s", text, json), 0);
	cr_assert_eq(report_render_all(&report, list, &options), 0);
	cr_assert(stat(text, &status) == 0 && status.st_size > 100);
	cr_assert(stat(json, &status) == 0 && status.st_size > 100);
	report_release(&report);
	free(list);
	free(text);
	free(json);
}

Test(report_formats, says_which_file_cannot_be_written)
{
	struct report report = {0};
	const struct render_options options = {0};

	cr_redirect_stderr();
	cr_assert_eq(report_render_all(&report, "text=/dev/full", &options), -1);
	fflush(stderr);
	cr_assert_stderr_eq_str(
	    "afterfork: cannot write the text report to /dev/full: No space left on device\n");
}
