/* Rust's legacy mangling is that of C++ with a hash as the last part of the name and, inside of the parts,
 * codes for what C++ has no letters for: `_$LT$T$u20$as$u20$app..Put$GT$::put::h0123456789abcdef`. */
#include "demangle_rust.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_DIGITS = 16, HASH_LENGTH = 3 + HASH_DIGITS /* ::h */ };

static const struct code {
	const char *code, *text;
} codes[] = {
    {"$SP$", "@"}, {"$BP$", "*"}, {"$RF$", "&"}, {"$LT$", "<"}, {"$GT$", ">"},
    {"$LP$", "("}, {"$RP$", ")"}, {"$C$", ","},  {"..", "::"},
};

static bool ends_with_hash(const char *name, size_t length)
{
	if (length <= HASH_LENGTH || strncmp(name + length - HASH_LENGTH, "::h", 3) != 0)
		return false;
	for (size_t i = length - HASH_DIGITS; i < length; i++)
		if (!isdigit((unsigned char)name[i]) && !(name[i] >= 'a' && name[i] <= 'f'))
			return false;
	return true;
}

/* The length of the code at `in`, 0 where there is none; its text goes to *out, which moves on. */
static size_t decode(const char *in, char **out)
{
	unsigned character = 0;
	int length = 0;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strncmp(in, codes[i].code, strlen(codes[i].code)) == 0) {
			*out = stpcpy(*out, codes[i].text);
			return strlen(codes[i].code);
		}
	if (sscanf(in, "$u%2x$%n", &character, &length) < 1 || !length || !isprint((int)character))
		return 0;
	*(*out)++ = (char)character;
	return (size_t)length;
}

bool demangle_rust(char *name)
{
	size_t length = strlen(name);
	char *out = name;
	if (!ends_with_hash(name, length))
		return false;
	name[length - HASH_LENGTH] = '\0';
	for (const char *in = name; *in;) {
		/* A part that starts with a code has a `_` before it. */
		bool is_start = in == name || in[-1] == ':';
		if (is_start && in[0] == '_' && in[1] == '$')
			in++;
		size_t read = decode(in, &out);
		if (!read)
			*out++ = *in;
		in += read ? read : 1;
	}
	*out = '\0';
	return true;
}
