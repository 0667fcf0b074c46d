/* Text put together in a caller's buffer: no allocation, no locale, no stdio. Always NUL-terminated;
 * what does not fit is left out and `truncated` says so. */
#ifndef AFTERFORK_PRELOAD_LINE_H
#define AFTERFORK_PRELOAD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
	char *text;
	size_t capacity_bytes;
	size_t length_bytes;
	bool truncated;
};

static inline struct line line_on(char *buffer, size_t capacity_bytes)
{
	buffer[0] = 0;
	return (struct line){.text = buffer, .capacity_bytes = capacity_bytes};
}

static inline void line_char(struct line *line, char c)
{
	if (line->length_bytes + 1 >= line->capacity_bytes) {
		line->truncated = true;
		return;
	}
	line->text[line->length_bytes++] = c;
	line->text[line->length_bytes] = 0;
}

static inline void line_text(struct line *line, const char *text)
{
	while (*text)
		line_char(line, *text++);
}

static inline void line_number(struct line *line, int64_t number)
{
	char digits[20];
	int count = 0;
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	do
		digits[count++] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		line_char(line, '-');
	while (count > 0)
		line_char(line, digits[--count]);
}

#endif
