#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suppressions.h"

static char path[64];

static void use_file(const char *text)
{
	int fd;

	strcpy(path, "/tmp/afterfork-suppressions-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
}

TestSuite(suppressions, .fini = remove_file);

static struct frame frames[2] = {
    {.module = "/opt/shop/lib/libcache.so.1", .function = "Cache::get(int)", .file = "/src/shop/cache.cc"},
    {.module = "/opt/shop/bin/shopd", .function = "main", .file = "/src/shop/main.cc"},
};

static bool suppresses(const char *text)
{
	const struct finding finding = {
	    .rule_name = "stale-lock-met",
	    .lock = {.name = "cache_mutex"},
	    .fork = {.stack = {.frames = frames, .count = 2}},
	};
	struct suppressions suppressions = {0};
	bool matched;

	use_file(text);
	cr_assert_eq(suppressions_read(&suppressions, path), 0);
	matched = suppressions_match(&suppressions, &finding);
	suppressions_release(&suppressions);
	unlink(path);
	return matched;
}

Test(suppressions, match_lock_function_module_and_source_file)
{
	cr_assert(suppresses("stale-lock-met:cache_mutex\n"));
	cr_assert(suppresses("stale-lock-met:cache_*\n"));
	cr_assert(suppresses("stale-lock-met:Cache::get(int)\n"));
	cr_assert(suppresses("stale-lock-met:Cache::*\n"));
	cr_assert(suppresses("stale-lock-met:main\n"));
	cr_assert(suppresses("stale-lock-met:libcache.so*\n"));
	cr_assert(suppresses("stale-lock-met:main.cc\n"));
	cr_assert(suppresses("stale-lock-met:/src/shop/*\n"));
	cr_assert(suppresses("*:cache_mutex"));
	cr_assert(suppresses("  *  :  cache_mutex  \n"));
	cr_assert(suppresses("stale-lock-met:*\n"));
}

Test(suppressions, leave_other_findings_alone)
{
	cr_assert_not(suppresses("foreign-unlock:cache_mutex\n"));
	cr_assert_not(suppresses("stale-lock-met:cache\n"));
	cr_assert_not(suppresses("stale-lock-met:/opt/shop/bin/shopd\n"));
	cr_assert_not(suppresses("stale-lock-met:libother*\n"));
	cr_assert_not(suppresses("# stale-lock-met:cache_mutex\n\n   \n"));
	cr_assert_not(suppresses(""));
}

static void expect_error(const char *text, unsigned line, const char *what)
{
	struct suppressions suppressions = {0};
	char expected[512];

	cr_redirect_stderr();
	use_file(text);
	cr_assert_eq(suppressions_read(&suppressions, path), -1);
	suppressions_release(&suppressions);
	snprintf(expected, sizeof expected, "afterfork: %s:%u: %s\n", path, line, what);
	fflush(stderr);
	cr_assert_stderr_eq_str(expected);
}

Test(suppressions, name_file_and_line_of_a_missing_colon)
{
	expect_error("# fine\n*:fine\ncache_mutex\n", 3,
	             "\"cache_mutex\": a suppression is RULE:GLOB, and there is no colon here");
}

Test(suppressions, name_file_and_line_of_an_unknown_rule)
{
	expect_error("stale-lock:cache_mutex\n", 1,
	             "\"stale-lock\": no such rule; `afterfork rules` lists them, * stands for any");
}

Test(suppressions, name_file_and_line_of_a_missing_glob)
{
	expect_error("\nstale-lock-met: \n", 2,
	             "\"stale-lock-met\": nothing follows the colon; * matches everything");
}

Test(suppressions, name_a_file_that_cannot_be_read)
{
	struct suppressions suppressions = {0};

	cr_redirect_stderr();
	cr_assert_eq(suppressions_read(&suppressions, "/nonexistent/file"), -1);
	fflush(stderr);
	cr_assert_stderr_eq_str(
	    "afterfork: cannot read the suppression file /nonexistent/file: No such file or directory\n");
}

Test(suppressions, tell_which_were_not_used)
{
	const struct finding finding = {.rule_name = "stale-lock-met", .lock = {.name = "a"}};
	struct suppressions suppressions = {0};
	char expected[256];

	cr_redirect_stderr();
	use_file("*:a\n*:b\n");
	cr_assert_eq(suppressions_read(&suppressions, path), 0);
	cr_assert(suppressions_match(&suppressions, &finding));
	suppressions_tell_unused(&suppressions);
	suppressions_release(&suppressions);
	snprintf(expected, sizeof expected, "afterfork: %s:2: the suppression *:b matched no finding\n",
	         path);
	fflush(stderr);
	cr_assert_stderr_eq_str(expected);
}
