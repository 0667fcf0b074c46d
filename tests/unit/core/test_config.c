#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config.h"
#include "fork_snapshot.h"
#include "message.h"

enum { DEFAULT_LIMIT_BYTES = 256 << 20 };

/* Parses the options. Returns what was said on standard error. */
static const char *parse(const char *options)
{
	static char said[4096];
	static char variable[4096];
	char *environment[] = {"PATH=/bin", variable, NULL};
	int ends[2];

	snprintf(variable, sizeof variable, "AFTERFORK_OPTIONS=%s", options);
	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	message_init();
	config_init(environment);
	ssize_t size_bytes = read(ends[0], said, sizeof said - 1);
	said[size_bytes > 0 ? size_bytes : 0] = 0;
	close(ends[0]);
	close(ends[1]);
	return said;
}

Test(config, has_defaults_without_any_variable)
{
	char *environment[] = {NULL};

	config_init(environment);
	cr_assert_null(config.trace_folder);
	cr_assert_str_eq(config.output, "afterfork.%p");
	cr_assert_eq(config.on_deadlock, TRACE_ACTION_REPORT);
	cr_assert_eq(config.trace_limit_bytes, DEFAULT_LIMIT_BYTES);
}

Test(config, takes_its_options)
{
	cr_assert_str_eq(parse("on-deadlock=abort output=/tmp/x.%p trace-limit=64M"), "");
	cr_assert_eq(config.on_deadlock, TRACE_ACTION_ABORT);
	cr_assert_str_eq(config.output, "/tmp/x.%p");
	cr_assert_eq(config.trace_limit_bytes, 64 << 20);
}

Test(config, takes_blanks_of_any_kind_between_options)
{
	cr_assert_str_eq(parse("  on-deadlock=kill\t\ntrace-limit=4096K \n"), "");
	cr_assert_eq(config.on_deadlock, TRACE_ACTION_KILL);
	cr_assert_eq(config.trace_limit_bytes, 4 << 20);
}

Test(config, takes_blanks_inside_quotes)
{
	cr_assert_str_eq(parse("output=\"/tmp/with blank\" on-deadlock=report"), "");
	cr_assert_str_eq(config.output, "/tmp/with blank");
	cr_assert_str_eq(parse("\"output=/tmp/whole pair\""), "");
	cr_assert_str_eq(config.output, "/tmp/whole pair");
}

Test(config, takes_a_value_with_an_equals_sign)
{
	cr_assert_str_eq(parse("output=/tmp/a=b"), "");
	cr_assert_str_eq(config.output, "/tmp/a=b");
}

Test(config, takes_every_unit_of_a_size)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
	    {"2097152", 2 << 20}, {"3000K", 3000 << 10}, {"2M", 2 << 20}, {"64G", UINT64_C(64) << 30}};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char options[64];
		snprintf(options, sizeof options, "trace-limit=%s", sizes[i].text);
		cr_assert_str_eq(parse(options), "");
		cr_assert_eq(config.trace_limit_bytes, sizes[i].bytes, "%s", options);
	}
}

Test(config, names_a_bad_size_and_keeps_the_default)
{
	static const char *const bad[] = {
	    "", "K", "1T", "2MM", "-1", "0x10", "2M ", "99999999999999999999999", "2m", "2097151", "65G"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char options[64];
		snprintf(options, sizeof options, "\"trace-limit=%s\"", bad[i]);
		cr_assert_str_eq(
		    parse(options),
		    "afterfork: AFTERFORK_OPTIONS: bad value, the default is used: trace-limit\n", "%s",
		    bad[i]);
		cr_assert_eq(config.trace_limit_bytes, DEFAULT_LIMIT_BYTES);
	}
}

Test(config, names_a_bad_action_and_keeps_the_default)
{
	static const char *const bad[] = {"", "Abort", "abort2", "stop"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char options[64];
		snprintf(options, sizeof options, "on-deadlock=%s", bad[i]);
		cr_assert_str_eq(
		    parse(options),
		    "afterfork: AFTERFORK_OPTIONS: bad value, the default is used: on-deadlock\n");
		cr_assert_eq(config.on_deadlock, TRACE_ACTION_REPORT);
	}
}

Test(config, names_a_bad_output_and_keeps_the_default)
{
	char options[3000] = "output=";

	cr_assert_str_eq(parse("output="),
	                 "afterfork: AFTERFORK_OPTIONS: bad value, the default is used: output\n");
	cr_assert_str_eq(config.output, "afterfork.%p");
	memset(options + strlen("output="), 'x', 2 * TRACE_PATH_SIZE_BYTES);
	static const char too_long[] = "afterfork: AFTERFORK_OPTIONS: option too long, ignored: output=xxx";
	cr_assert_eq(strncmp(parse(options), too_long, strlen(too_long)), 0);
	cr_assert_str_eq(config.output, "afterfork.%p");
}

Test(config, names_an_unknown_option_and_takes_the_rest)
{
	cr_assert_str_eq(parse("on-deadlok=abort trace-limit=8M"),
	                 "afterfork: AFTERFORK_OPTIONS: unknown option, ignored: on-deadlok\n");
	cr_assert_eq(config.on_deadlock, TRACE_ACTION_REPORT);
	cr_assert_eq(config.trace_limit_bytes, 8 << 20);
}

Test(config, passes_over_the_options_of_the_command)
{
	cr_assert_str_eq(
	    parse("format=json fail-on=never error-exitcode=3 verbose suppressions=/x color=never"), "");
}

Test(config, names_a_bad_value_of_the_commands_options)
{
	static const char *const bad[] = {"fail-on=maybe", "error-exitcode=256",
	                                  "error-exitcode=", "verbose=2", "format="};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char expected[128];
		snprintf(expected, sizeof expected,
		         "afterfork: AFTERFORK_OPTIONS: bad value, the default is used: %.*s\n",
		         (int)strcspn(bad[i], "="), bad[i]);
		cr_assert_str_eq(parse(bad[i]), expected);
	}
}

Test(config, copies_the_folder_of_a_supervisor)
{
	char variable[] = "AFTERFORK_TRACE=/tmp/run.1";
	char *environment[] = {variable, NULL};

	config_init(environment);
	memset(variable, 'x', sizeof variable - 1);
	cr_assert_str_eq(config.trace_folder, "/tmp/run.1");
}

Test(config, takes_an_empty_folder_for_none)
{
	char *environment[] = {"AFTERFORK_TRACE=", NULL};

	config_init(environment);
	cr_assert_null(config.trace_folder);
}

Test(config, finds_a_variable_by_its_whole_name)
{
	char *environment[] = {"AB=2", "A=1", "A=3", "ABC", NULL};

	cr_assert_str_eq(config_variable(environment, "A"), "1");
	cr_assert_str_eq(config_variable(environment, "AB"), "2");
	cr_assert_null(config_variable(environment, "ABC"));
	cr_assert_null(config_variable(environment, "B"));
	cr_assert_null(config_variable(NULL, "A"));
}

static void expect_output(const char *pattern, const char *expected)
{
	char path[TRACE_PATH_SIZE_BYTES];

	snprintf(config.output, sizeof config.output, "%s", pattern);
	cr_assert_eq(config_expand_output(path, sizeof path), 0, "%s", pattern);
	cr_assert_str_eq(path, expected);
}

static void expect_error(const char *pattern, int error, size_t size_bytes)
{
	char path[TRACE_PATH_SIZE_BYTES];

	snprintf(config.output, sizeof config.output, "%s", pattern);
	cr_assert_eq(config_expand_output(path, size_bytes), error, "%s", pattern);
}

/* A pattern of which nothing can be made: the default stands in. */
static void expect_default(const char *pattern)
{
	int ends[2];
	char said[128] = "";

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	message_init();
	expect_output(pattern, "afterfork.4711");
	cr_assert_gt(read(ends[0], said, sizeof said - 1), 0);
	cr_assert_str_eq(said, "afterfork: AFTERFORK_OPTIONS: bad value, the default is used: output\n");
	close(ends[0]);
	close(ends[1]);
}

Test(config, expands_the_folders_name)
{
	char *environment[] = {"JOB=seven", NULL};
	struct utsname system;
	char host[256];

	config_init(environment);
	process.pid = 4711;
	uname(&system);
	snprintf(host, sizeof host, "/tmp/%s/x", system.nodename);
	expect_output("/tmp/plain", "/tmp/plain");
	expect_output("afterfork.%p/%p", "afterfork.4711/4711");
	expect_output("/tmp/%h/x", host);
	expect_output("a%q{JOB}b", "asevenb");
	expect_output("100%%p", "100%p");
}

Test(config, expands_variables_as_they_were_at_the_start)
{
	char job[] = "JOB=seven";
	char *environment[] = {job, NULL};

	config_init(environment);
	snprintf(config.output, sizeof config.output, "%s", "/tmp/%q{JOB}");
	char path[TRACE_PATH_SIZE_BYTES];
	cr_assert_eq(config_expand_output(path, sizeof path), 0);
	cr_assert_str_eq(path, "/tmp/seven");
}

Test(config, puts_the_default_for_patterns_that_it_does_not_know)
{
	static const char *const bad[] = {"x%",      "x%z",        "x%q",       "x%qJOB",
	                                  "x%q{JOB", "x%q{UNSET}", "x%q{EMPTY}"};
	char *environment[] = {"JOB=seven", "EMPTY=", NULL};

	config_init(environment);
	process.pid = 4711;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		expect_default(bad[i]);
}

Test(config, refuses_a_name_that_does_not_fit)
{
	char *environment[] = {NULL};

	config_init(environment);
	expect_error("12345678", ENAMETOOLONG, 8);
	expect_error("1234567", 0, 8);
}
