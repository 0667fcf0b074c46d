#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output_path.h"

static void expect_path(const char *pattern, const char *expected)
{
	char *error = NULL;
	char *path = output_path_expand(pattern, 4711, &error);

	cr_assert_null(error, "%s: %s", pattern, error);
	cr_assert_str_eq(path, expected);
	free(path);
}

static void expect_error(const char *pattern, const char *expected)
{
	char *error = NULL;

	cr_assert_null(output_path_expand(pattern, 4711, &error), "%s was taken", pattern);
	cr_assert_str_eq(error, expected);
	free(error);
}

Test(output_path, expands_the_pid_as_often_as_it_stands_there)
{
	expect_path("/tmp/a.%p/%p", "/tmp/a.4711/4711");
}

Test(output_path, keeps_a_percent_sign_that_was_doubled)
{
	expect_path("/tmp/100%%p", "/tmp/100%p");
}

Test(output_path, expands_the_host_name)
{
	char host[HOST_NAME_MAX + 1] = "", expected[HOST_NAME_MAX + 16];

	gethostname(host, sizeof(host) - 1);
	snprintf(expected, sizeof(expected), "/tmp/%s", host);
	expect_path("/tmp/%h", expected);
}

Test(output_path, expands_variables)
{
	setenv("AFTERFORK_TEST_JOB", "17", 1);
	expect_path("/tmp/job%q{AFTERFORK_TEST_JOB}.trace", "/tmp/job17.trace");
}

Test(output_path, starts_relative_paths_at_the_current_folder)
{
	cr_assert_eq(chdir("/usr/lib"), 0);
	expect_path("trace.%p", "/usr/lib/trace.4711");
	cr_assert_eq(chdir("/"), 0);
	expect_path("trace", "/trace");
}

Test(output_path, takes_a_variable_with_an_absolute_path_as_absolute)
{
	setenv("AFTERFORK_TEST_FOLDER", "/var/tmp", 1);
	expect_path("%q{AFTERFORK_TEST_FOLDER}/trace", "/var/tmp/trace");
}

Test(output_path, drops_slashes_at_the_end)
{
	expect_path("/tmp/trace//", "/tmp/trace");
}

Test(output_path, refuses_an_empty_path)
{
	expect_error("", "the output path is empty; give -o a folder's name");
}

Test(output_path, refuses_unknown_patterns)
{
	expect_error("/tmp/%x", "output path '/tmp/%x': %x is not known; use %p, %h, %q{VARIABLE} or %%");
	expect_error("/tmp/%", "output path '/tmp/%': % is not known; use %p, %h, %q{VARIABLE} or %%");
}

Test(output_path, refuses_a_variable_without_braces_or_name)
{
	expect_error("/tmp/%qHOME",
	             "output path '/tmp/%qHOME': %q needs a variable's name in braces, as in %q{JOB_ID}");
	expect_error("/tmp/%q{}",
	             "output path '/tmp/%q{}': %q needs a variable's name in braces, as in %q{JOB_ID}");
	expect_error("/tmp/%q{HOME",
	             "output path '/tmp/%q{HOME': %q needs a variable's name in braces, as in %q{JOB_ID}");
}

Test(output_path, refuses_a_variable_that_is_not_set)
{
	unsetenv("AFTERFORK_TEST_NONE");
	expect_error(
	    "/tmp/%q{AFTERFORK_TEST_NONE}",
	    "output path '/tmp/%q{AFTERFORK_TEST_NONE}': the environment variable AFTERFORK_TEST_NONE is not "
	    "set; set it or name the folder without it");
}

Test(output_path, refuses_a_path_that_no_system_call_takes)
{
	char *long_path = calloc(1, PATH_MAX + 2), *error = NULL;

	memset(long_path, 'a', PATH_MAX);
	long_path[0] = '/';
	cr_assert_null(output_path_expand(long_path, 1, &error));
	cr_assert_str_eq(error, "the output path has 4096 characters, more than 4095; give a shorter one");
	free(error);
	free(long_path);
}
