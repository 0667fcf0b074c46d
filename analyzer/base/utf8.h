/* Telling UTF-8 from other bytes. */
#ifndef AFTERFORK_ANALYZER_UTF8_H
#define AFTERFORK_ANALYZER_UTF8_H

#include <stddef.h>

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

#endif
