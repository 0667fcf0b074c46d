#include <criterion/criterion.h>
#include <stdint.h>

#include "line.h"

Test(line, starts_empty)
{
	char buffer[4] = "abc";
	struct line line = line_on(buffer, sizeof buffer);

	cr_assert_str_eq(buffer, "");
	cr_assert_eq(line.length_bytes, 0);
	cr_assert_not(line.truncated);
}

Test(line, puts_texts_and_numbers_together)
{
	char buffer[64];
	struct line line = line_on(buffer, sizeof buffer);

	line_text(&line, "image-");
	line_number(&line, 4711);
	line_char(&line, '-');
	line_number(&line, 0);
	cr_assert_str_eq(buffer, "image-4711-0");
	cr_assert_eq(line.length_bytes, 12);
	cr_assert_not(line.truncated);
}

Test(line, writes_the_extreme_numbers)
{
	char buffer[64];
	struct line line = line_on(buffer, sizeof buffer);

	line_number(&line, INT64_MAX);
	line_char(&line, ' ');
	line_number(&line, INT64_MIN);
	line_char(&line, ' ');
	line_number(&line, -1);
	cr_assert_str_eq(buffer, "9223372036854775807 -9223372036854775808 -1");
}

Test(line, fills_the_buffer_to_its_last_byte_but_one)
{
	char buffer[4];
	struct line line = line_on(buffer, sizeof buffer);

	line_text(&line, "abc");
	cr_assert_str_eq(buffer, "abc");
	cr_assert_not(line.truncated);
}

Test(line, leaves_out_what_does_not_fit_and_says_so)
{
	char buffer[6] = "*****";
	struct line line = line_on(buffer, sizeof buffer - 1);

	line_text(&line, "abcde");
	cr_assert_str_eq(buffer, "abcd");
	cr_assert(line.truncated);
	line_char(&line, 'f');
	line_number(&line, 7);
	cr_assert_str_eq(buffer, "abcd");
	cr_assert_eq(line.length_bytes, 4);
	cr_assert_eq(buffer[5], 0, "wrote past the capacity");
}
