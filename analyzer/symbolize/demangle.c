#include "demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const copy_suffixes[] = {".part.",     ".isra.",      ".constprop.", ".cold",
                                            ".lto_priv.", ".localalias", ".llvm."};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Length of the symbol up to the first `@` or suffix of a compiler-made copy. */
static size_t plain_length(const char *symbol)
{
	size_t length = strcspn(symbol, "@");
	for (size_t i = 1; i < length; i++) {
		if (symbol[i] != '.')
			continue;
		for (size_t k = 0; k < sizeof(copy_suffixes) / sizeof(*copy_suffixes); k++)
			if (starts_with(symbol + i, copy_suffixes[k]))
				return i;
	}
	return length ? length : strlen(symbol);
}

/* C++ and Rust until 2025; Rust since. */
static bool is_mangled(const char *symbol)
{
	return starts_with(symbol, "_Z") || starts_with(symbol, "_R");
}

static char *demangle_plain(char *plain)
{
	if (!plain || !is_mangled(plain))
		return plain;
	char *readable = cplus_demangle(plain, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
	if (!readable)
		return plain;
	free(plain);
	return readable;
}

char *demangle_symbol(const char *symbol)
{
	return demangle_plain(strndup(symbol, plain_length(symbol)));
}

/* Without a number at the end that follows a dot. */
static size_t unnumbered_length(const char *symbol, size_t length)
{
	size_t end = length;
	while (end > 1 && isdigit((unsigned char)symbol[end - 1]))
		end--;
	return end > 1 && end < length && symbol[end - 1] == '.' ? end - 1 : length;
}

char *demangle_variable(const char *symbol)
{
	char *text;
	size_t length = unnumbered_length(symbol, plain_length(symbol));
	const char *dot = memchr(symbol, '.', length);
	if (is_mangled(symbol) || !dot || dot == symbol)
		return demangle_plain(strndup(symbol, length));
	size_t function_length = (size_t)(dot - symbol);
	if (asprintf(&text, "%.*s()::%.*s", (int)function_length, symbol, (int)(length - function_length - 1),
	             dot + 1) < 0)
		return NULL;
	return text;
}
