#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static int parse(struct options *options, unsigned user, const char *environment, char **argv, int *ret_first)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return options_parse(options, user, environment, argc, argv, ret_first);
}

#define ARGUMENTS(...)                                                                                       \
	(char *[])                                                                                           \
	{                                                                                                    \
		__VA_ARGS__, NULL                                                                            \
	}

Test(options, have_the_defaults_of_the_contract)
{
	struct options options;
	int first;

	cr_assert_eq(parse(&options, OPTION_FOR_RUN, NULL, ARGUMENTS("run", "make"), &first), 0);
	cr_assert_eq(first, 1);
	cr_assert_str_eq(options_string(&options, OPTION_OUTPUT), "afterfork.%p");
	cr_assert_str_eq(options_string(&options, OPTION_FORMAT), "text");
	cr_assert_eq(options_choice(&options, OPTION_FAIL_ON), FAIL_ON_CERTAIN);
	cr_assert_eq(options_number(&options, OPTION_ERROR_EXITCODE), 66);
	cr_assert_eq(options_choice(&options, OPTION_ON_DEADLOCK), ON_DEADLOCK_ABORT);
	cr_assert_eq(options_number(&options, OPTION_TRACE_LIMIT), 256u << 20);
	cr_assert_not(options_flag(&options, OPTION_VERBOSE));
	cr_assert_null(options_string(&options, OPTION_LIBRARY));
	options_release(&options);
}

Test(options, take_values_attached_or_apart)
{
	struct options options;
	int first;

	cr_assert_eq(parse(&options, OPTION_FOR_RUN, NULL,
	                   ARGUMENTS("run", "--output", "a", "--fail-on=likely", "--trace-limit=2G", "-vq",
	                             "--", "--format"),
	                   &first),
	             0);
	cr_assert_eq(first, 7);
	cr_assert_str_eq(options_string(&options, OPTION_OUTPUT), "a");
	cr_assert_eq(options_choice(&options, OPTION_FAIL_ON), FAIL_ON_LIKELY);
	cr_assert_eq(options_number(&options, OPTION_TRACE_LIMIT), 2ull << 30);
	cr_assert(options_flag(&options, OPTION_VERBOSE));
	cr_assert(options_flag(&options, OPTION_QUIET));
	cr_assert_str_eq(options_string(&options, OPTION_FORMAT), "text");
	options_release(&options);
	cr_assert_eq(parse(&options, OPTION_FOR_RUN, NULL,
	                   ARGUMENTS("run", "-vob", "-o", "c", "x", "-o", "d"), &first),
	             0);
	cr_assert_eq(first, 4);
	cr_assert_str_eq(options_string(&options, OPTION_OUTPUT), "c");
	options_release(&options);
}

Test(options, end_at_the_first_operand)
{
	struct options options;
	int first;

	cr_assert_eq(parse(&options, OPTION_FOR_RUN, NULL, ARGUMENTS("run", "prog", "--unknown"), &first), 0);
	cr_assert_eq(first, 1);
	options_release(&options);
	cr_assert_eq(parse(&options, OPTION_FOR_REPORT, NULL, ARGUMENTS("report", "-"), &first), 0);
	cr_assert_eq(first, 1);
	options_release(&options);
}

Test(options, of_a_report_may_follow_its_traces)
{
	struct options options;
	char **arguments = ARGUMENTS("report", "a", "--format", "json", "b", "-v", "c", "--", "-d");
	int first;

	cr_assert_eq(parse(&options, OPTION_FOR_REPORT, NULL, arguments, &first), 0);
	cr_assert_str_eq(options_string(&options, OPTION_FORMAT), "json");
	cr_assert(options_flag(&options, OPTION_VERBOSE));
	cr_assert_eq(first, 5);
	cr_assert_str_eq(arguments[5], "a");
	cr_assert_str_eq(arguments[6], "b");
	cr_assert_str_eq(arguments[7], "c");
	cr_assert_str_eq(arguments[8], "-d");
	options_release(&options);
}

Test(options, collect_lists_from_both_sources)
{
	struct options options;
	const char *const *items;
	size_t count;
	int first;

	cr_assert_eq(parse(&options, OPTION_FOR_REPORT, "suppressions=a suppressions=\"b c\"",
	                   ARGUMENTS("report", "--suppressions", "d", "t"), &first),
	             0);
	items = options_list(&options, OPTION_SUPPRESSIONS, &count);
	cr_assert_eq(count, 3);
	cr_assert_str_eq(items[0], "a");
	cr_assert_str_eq(items[1], "b c");
	cr_assert_str_eq(items[2], "d");
	options_release(&options);
}

Test(options, of_the_environment_yield_to_the_command_line)
{
	struct options options;
	int first;

	cr_assert_eq(
	    parse(&options, OPTION_FOR_RUN,
	          " fail-on=never\terror-exitcode=3 format=\"json=out dir/r.json\" verbose quiet=no\n",
	          ARGUMENTS("run", "--error-exitcode", "4", "x"), &first),
	    0);
	cr_assert_eq(options_choice(&options, OPTION_FAIL_ON), FAIL_ON_NEVER);
	cr_assert_eq(options_number(&options, OPTION_ERROR_EXITCODE), 4);
	cr_assert_str_eq(options_string(&options, OPTION_FORMAT), "json=out dir/r.json");
	cr_assert(options_flag(&options, OPTION_VERBOSE));
	cr_assert_not(options_flag(&options, OPTION_QUIET));
	options_release(&options);
}

/* AFTERFORK_OPTIONS is shared by all commands and the library: none may stumble over another's key. */
Test(options, of_the_environment_may_belong_to_others)
{
	struct options options;
	int first;

	cr_assert_eq(parse(&options, OPTION_FOR_REPORT, "on-deadlock=kill output=x trace-limit=2M",
	                   ARGUMENTS("report", "t"), &first),
	             0);
	options_release(&options);
}

struct error_case {
	unsigned user;
	const char *environment;
	char *arguments[4];
	const char *message;
};

static void expect_error(const struct error_case *wrong)
{
	char *argv[6] = {wrong->user == OPTION_FOR_RUN ? "run" : "report"};
	struct options options;
	int first = -1;

	memcpy(argv + 1, wrong->arguments, sizeof wrong->arguments);
	cr_redirect_stderr();
	cr_assert_eq(parse(&options, wrong->user, wrong->environment, argv, &first), -1);
	cr_assert_eq(first, -1);
	fflush(stderr);
	cr_assert_stderr_eq_str(wrong->message);
}

#define ERROR_TEST(name, ...)                                                                                \
	Test(options, name)                                                                                  \
	{                                                                                                    \
		expect_error(&(struct error_case){__VA_ARGS__});                                             \
	}

ERROR_TEST(suggest_the_nearest_name, OPTION_FOR_RUN, NULL, {"--fial-on", "likely"},
           "afterfork run: unknown option --fial-on; did you mean --fail-on?\n")
ERROR_TEST(suggest_nothing_for_nonsense, OPTION_FOR_RUN, NULL, {"--zzzzzzzzzz"},
           "afterfork run: unknown option --zzzzzzzzzz; `afterfork run --help` lists them\n")
ERROR_TEST(suggest_within_the_environment, OPTION_FOR_REPORT, "fromat=json", {"t"},
           "afterfork: AFTERFORK_OPTIONS: unknown option fromat; did you mean format?\n")
ERROR_TEST(
    tell_other_commands_options_apart, OPTION_FOR_REPORT, NULL, {"--on-deadlock=kill"},
    "afterfork report: --on-deadlock is no option of this command; `afterfork report --help` lists them\n")
ERROR_TEST(
    refuse_a_choice_that_is_none, OPTION_FOR_RUN, NULL, {"--fail-on=maybe"},
    "afterfork run: --fail-on: \"maybe\" is no good value; expected one of certain|likely|possible|never\n")
ERROR_TEST(refuse_a_bad_choice_of_the_environment, OPTION_FOR_REPORT, "on-deadlock=explode", {"t"},
           "afterfork: AFTERFORK_OPTIONS: on-deadlock: \"explode\" is no good value; expected one of "
           "report|abort|kill\n")
ERROR_TEST(refuse_a_number_out_of_range, OPTION_FOR_RUN, NULL, {"--error-exitcode", "256"},
           "afterfork run: --error-exitcode: \"256\" is no good value; expected a number in 0-255\n")
ERROR_TEST(refuse_a_number_with_a_tail, OPTION_FOR_RUN, NULL, {"--error-exitcode", "6x"},
           "afterfork run: --error-exitcode: \"6x\" is no good value; expected a number in 0-255\n")
ERROR_TEST(refuse_a_number_beyond_64_bits, OPTION_FOR_RUN, NULL, {"--trace-limit=99999999999999999999"},
           "afterfork run: --trace-limit: \"99999999999999999999\" is no good value; expected a size in "
           "bytes, or with "
           "K, M or G, in 2M-64G\n")
ERROR_TEST(refuse_a_size_that_overflows, OPTION_FOR_RUN, NULL, {"--trace-limit=17179869184G"},
           "afterfork run: --trace-limit: \"17179869184G\" is no good value; expected a size in bytes, or "
           "with K, M or "
           "G, in 2M-64G\n")
ERROR_TEST(refuse_a_missing_value, OPTION_FOR_RUN, NULL, {"--output"},
           "afterfork run: --output needs a value: --output=PATH\n")
ERROR_TEST(refuse_a_missing_value_of_a_letter, OPTION_FOR_RUN, NULL, {"-o"},
           "afterfork run: -o needs a value: -o PATH\n")
ERROR_TEST(refuse_a_value_for_a_flag, OPTION_FOR_RUN, NULL, {"--verbose=yes"},
           "afterfork run: --verbose takes no value\n")
ERROR_TEST(refuse_an_empty_text, OPTION_FOR_RUN, NULL, {"--output="},
           "afterfork run: --output: \"\" is no good value; expected a PATH\n")
ERROR_TEST(refuse_an_unknown_letter, OPTION_FOR_RUN, NULL, {"-z"},
           "afterfork run: unknown option -z; `afterfork run --help` lists them\n")
ERROR_TEST(refuse_a_key_without_a_value, OPTION_FOR_RUN, "format", {"x"},
           "afterfork: AFTERFORK_OPTIONS: format needs a value: format=LIST\n")
ERROR_TEST(refuse_an_open_quote, OPTION_FOR_RUN, "output=\"a b", {"x"},
           "afterfork: AFTERFORK_OPTIONS: a double quote is not closed, in: output=\"a b\n")

Test(options, find_a_call_for_help)
{
	cr_assert(options_ask_help(OPTION_FOR_RUN, 3, ARGUMENTS("run", "-v", "--help")));
	cr_assert(options_ask_help(OPTION_FOR_RUN, 4, ARGUMENTS("run", "-o", "x", "-h")));
	cr_assert(options_ask_help(OPTION_FOR_RUN, 3, ARGUMENTS("run", "--output=x", "-h")));
	cr_assert_not(options_ask_help(OPTION_FOR_RUN, 3, ARGUMENTS("run", "-o", "--help")));
	cr_assert_not(options_ask_help(OPTION_FOR_RUN, 3, ARGUMENTS("run", "make", "--help")));
	cr_assert_not(options_ask_help(OPTION_FOR_RUN, 3, ARGUMENTS("run", "--", "--help")));
	cr_assert_not(options_ask_help(OPTION_FOR_RUN, 1, ARGUMENTS("run")));
	cr_assert(options_ask_help(OPTION_FOR_REPORT, 3, ARGUMENTS("report", "trace", "--help")));
	cr_assert_not(options_ask_help(OPTION_FOR_REPORT, 4, ARGUMENTS("report", "trace", "--", "--help")));
}

Test(options, help_lists_a_commands_options_and_no_others)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	options_print_help(OPTION_FOR_REPORT, out);
	fclose(out);
	cr_assert_not_null(
	    strstr(text, "\n      --fail-on VERDICT     exit with the error code when a finding has at"));
	cr_assert_not_null(strstr(text, "(default: certain)"));
	cr_assert_null(strstr(text, "--on-deadlock"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		cr_assert_leq(strlen(line), 90, "%s", line);
	free(text);
}
