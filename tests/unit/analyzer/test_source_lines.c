#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source_lines.h"

static char folder[] = "/tmp/afterfork-source-XXXXXX";
static char path[PATH_MAX];

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.c", folder);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs("first\n\t\tindented(1);\r\n\n   \nlast", file);
	fclose(file);
	/* changed at second 1000 */
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(source_lines, .init = setup, .fini = teardown);

/* NULL: no line is to be had. */
static void expect(const char *file, unsigned line, uint64_t changed_before_ns, const char *expected)
{
	char *text = source_lines_read(file, line, changed_before_ns);
	if (expected) {
		cr_assert_not_null(text);
		cr_assert_str_eq(text, expected);
	} else {
		cr_assert_null(text);
	}
	free(text);
}

Test(source_lines, gives_a_line_without_indentation_and_newline)
{
	expect(path, 1, 0, "first");
	expect(path, 2, 0, "indented(1);");
	expect(path, 5, 0, "last");
}

Test(source_lines, gives_nothing_for_empty_and_missing_lines)
{
	expect(path, 0, 0, NULL);
	expect(path, 3, 0, NULL);
	expect(path, 4, 0, NULL);
	expect(path, 6, 0, NULL);
	expect("/nowhere/a.c", 1, 0, NULL);
	expect("a.c", 1, 0, NULL);
}

Test(source_lines, gives_nothing_of_a_file_changed_since)
{
	expect(path, 1, 1000000000001, "first");
	expect(path, 1, 1000000000000, NULL);
	expect(path, 1, 999999999999, NULL);
}

Test(source_lines, waits_for_no_pipe)
{
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect(path, 1, 0, NULL);
}
