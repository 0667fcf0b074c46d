/* Telling UTF-8 from other bytes, and what a terminal shows from what it obeys. */
#ifndef AFTERFORK_ANALYZER_UTF8_H
#define AFTERFORK_ANALYZER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes of the character that a NUL-terminated string starts with, 1 to 4; 0 where they are not valid UTF-8
 * (overlong forms, surrogates and values above U+10FFFF among it) or the string is empty. */
static inline size_t utf8_length(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;
	if (byte[0] < 0x80)
		return byte[0] != 0;
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
		length = 2;
	else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
		length = 3;
	else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (byte[0] == 0xe0)
		low = 0xa0;
	else if (byte[0] == 0xed)
		high = 0x9f;
	else if (byte[0] == 0xf0)
		low = 0x90;
	else if (byte[0] == 0xf4)
		high = 0x8f;
	if (byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (byte[i] < 0x80 || byte[i] > 0xbf)
			return 0;
	return length;
}

/* Whether the character, of `length` bytes, is beyond ASCII and does something to those around it: a terminal
 * takes U+0080 to U+009F for commands; U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 change the order
 * of what is shown, so that a name looks like another one; U+2028 and U+2029 end a line. */
static inline bool utf8_is_control(const char *text, size_t length)
{
	const unsigned char *byte = (const unsigned char *)text;
	if (length == 2)
		return byte[0] == 0xc2 && byte[1] < 0xa0;
	if (length != 3 || byte[0] != 0xe2)
		return false;
	if (byte[1] == 0x80)
		return byte[2] == 0x8e || byte[2] == 0x8f || (byte[2] >= 0xa8 && byte[2] <= 0xae);
	return byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9;
}

/* Writes bytes as \xNN. */
static inline void utf8_print_escaped(FILE *out, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "\\x%02x", (unsigned char)bytes[i]);
}

#endif
