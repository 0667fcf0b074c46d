#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>

#include "commands.h"

#define TRACE(name) TEST_DATA_FOLDER "/traces/" name

static int report(char *first, char *second, char *third)
{
	char *argv[] = {"report", first, second, third, NULL};
	int argc = 1;

	while (argv[argc])
		argc++;
	unsetenv("AFTERFORK_OPTIONS");
	cr_redirect_stdout();
	return cmd_report(argc, argv);
}

Test(cmd_report, exits_with_66_for_a_certain_finding)
{
	cr_assert_eq(report(TRACE("vanished"), NULL, NULL), 66);
}

Test(cmd_report, exits_with_0_where_nothing_was_found)
{
	cr_assert_eq(report(TRACE("quiet"), NULL, NULL), 0);
}

Test(cmd_report, exits_with_the_code_that_was_asked_for)
{
	cr_assert_eq(report("--error-exitcode=9", TRACE("vanished"), NULL), 9);
}

Test(cmd_report, exits_with_0_when_no_verdict_shall_fail)
{
	cr_assert_eq(report("--fail-on=never", TRACE("vanished"), NULL), 0);
}

Test(cmd_report, reads_several_traces_into_one_report)
{
	cr_assert_eq(report(TRACE("quiet"), TRACE("vanished"), NULL), 66);
}

Test(cmd_report, takes_options_from_the_environment)
{
	char *argv[] = {"report", TRACE("vanished"), NULL};

	setenv("AFTERFORK_OPTIONS", "error-exitcode=3 format=json", 1);
	cr_redirect_stdout();
	cr_assert_eq(cmd_report(2, argv), 3);
}

Test(cmd_report, fails_with_125_on_a_bad_option_of_the_environment)
{
	char *argv[] = {"report", TRACE("vanished"), NULL};

	setenv("AFTERFORK_OPTIONS", "error-exitcode=lots", 1);
	cr_redirect_stderr();
	cr_assert_eq(cmd_report(2, argv), 125);
	fflush(stderr);
	cr_assert_stderr_eq_str(
	    "afterfork: AFTERFORK_OPTIONS: error-exitcode: \"lots\" is no good value; expected a "
	    "number in 0-255\n");
}

Test(cmd_report, fails_with_125_without_a_trace)
{
	cr_redirect_stderr();
	cr_assert_eq(report("-v", NULL, NULL), 125);
	fflush(stderr);
	cr_assert_stderr_eq_str(
	    "afterfork report: no trace is named; usage: afterfork report [options] TRACE...\n");
}

Test(cmd_report, fails_with_125_when_nothing_can_be_read)
{
	cr_redirect_stderr();
	cr_assert_eq(report("/nonexistent", NULL, NULL), 125);
}

Test(cmd_report, fails_with_125_when_the_report_cannot_be_written)
{
	cr_redirect_stderr();
	cr_assert_eq(report("--format=json=/nonexistent/r.json", TRACE("quiet"), NULL), 125);
	fflush(stderr);
	cr_assert_stderr_eq_str(
	    "afterfork: cannot write the json report to /nonexistent/r.json: No such file or directory\n");
}

Test(cmd_report, fails_with_125_on_a_broken_suppression_file)
{
	cr_redirect_stderr();
	cr_assert_eq(report("--suppressions=/nonexistent/s", TRACE("quiet"), NULL), 125);
}
