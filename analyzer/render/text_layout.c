#include "text_layout.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

char *text_layout_clean(const char *text)
{
	char *clean = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&clean, &size);
	if (!out)
		return NULL;
	while (*text) {
		size_t length = utf8_length(text), bytes = length ? length : 1;
		if (*text == '\t')
			fputc(' ', out);
		else if (length == 0 || iscntrl((unsigned char)*text) || utf8_is_control(text, length))
			utf8_print_escaped(out, text, bytes);
		else
			fwrite(text, 1, bytes, out);
		text += bytes;
	}
	fclose(out);
	return clean;
}

static size_t columns_of(const char *text, size_t length)
{
	size_t columns = 0;
	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

size_t text_layout_columns(const char *text)
{
	return columns_of(text, strlen(text));
}

static void print_word(FILE *out, const char *word, size_t length)
{
	static const char no_break[] = TEXT_LAYOUT_NO_BREAK;
	for (size_t i = 0; i < length; i++) {
		if (strncmp(word + i, no_break, strlen(no_break)) == 0) {
			fputc(' ', out);
			i += strlen(no_break) - 1;
		} else {
			fputc(word[i], out);
		}
	}
}

void text_layout_wrap(FILE *out, const char *text, size_t column, size_t indent, size_t width)
{
	bool at_start = true;
	while (*(text += strspn(text, " \n"))) {
		size_t length = strcspn(text, " \n");
		size_t columns = columns_of(text, length);
		if (!at_start && column + 1 + columns > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!at_start) {
			fputc(' ', out);
			column++;
		}
		print_word(out, text, length);
		column += columns;
		text += length;
		at_start = false;
	}
}

struct spelling {
	const char *from, *to;
};

/* In this order: the later ones see what the earlier ones left. */
static const struct spelling spellings[] = {
    {"[abi:cxx11]", ""},
    {"std::__cxx11::", "std::"},
    {"std::__1::", "std::"},
    {"std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"},
    {"std::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string"},
    {"std::string >", "std::string>"},
    {"> >", ">>"},
};

/* In place: every `to` is shorter. */
static void respell(char *text, const struct spelling *spelling)
{
	size_t from_length = strlen(spelling->from), to_length = strlen(spelling->to);
	char *end = text;
	while (*text) {
		if (strncmp(text, spelling->from, from_length) == 0) {
			memcpy(end, spelling->to, to_length);
			end += to_length;
			text += from_length;
		} else {
			*end++ = *text++;
		}
	}
	*end = '\0';
}

static void respell_all(char *text)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++)
		respell(text, &spellings[i]);
	while (strstr(text, "> >"))
		respell(text, &(struct spelling){"> >", ">>"});
}

/* Length of an operator's name at this place (`operator<<`, `operator()`, `operator->`), else 0: its signs
 * are no brackets. */
static size_t operator_length(const char *start, const char *at)
{
	static const char word[] = "operator";
	size_t length = strlen(word);
	if (strncmp(at, word, length) != 0 ||
	    (at > start && (isalnum((unsigned char)at[-1]) || at[-1] == '_')))
		return 0;
	size_t signs = strspn(at + length, "<>=-!*&+|^~/%,");
	if (strncmp(at + length, "()", 2) == 0)
		signs = 2;
	return signs ? length + signs : 0;
}

/* Replaces what is inside of template brackets that are nested at least `depth` deep (1: all of them). */
static char *fold_templates(const char *name, unsigned depth)
{
	char *folded = malloc(strlen(name) * 4 + 1);
	unsigned nesting = 0;
	size_t length = 0;
	for (const char *at = name; folded && *at; at++) {
		size_t skipped = operator_length(name, at);
		if (skipped == 0 && *at == '>' && nesting > 0 && at[-1] != '-')
			nesting--;
		if (nesting < depth) {
			size_t copied = skipped ? skipped : 1;
			memcpy(folded + length, at, copied);
			length += copied;
		}
		if (skipped) {
			at += skipped - 1;
		} else if (*at == '<' && ++nesting == depth) {
			memcpy(folded + length, "...", 3);
			length += 3;
		}
	}
	if (folded)
		folded[length] = '\0';
	return folded;
}

static bool is_namespace(const char *at)
{
	static const char anonymous[] = "(anonymous namespace)";
	return strncmp(at, anonymous, strlen(anonymous)) == 0;
}

/* Replaces what is inside of parentheses, but not in `(anonymous namespace)` and `()`. */
static char *fold_parameters(const char *name)
{
	char *folded = malloc(strlen(name) * 4 + 1);
	unsigned nesting = 0;
	size_t length = 0;
	for (const char *at = name; folded && *at; at++) {
		size_t copied = nesting == 0 ? operator_length(name, at) : 0;
		if (copied == 0 && nesting == 0 && is_namespace(at))
			copied = strcspn(at, ")") + 1;
		if (copied) {
			memcpy(folded + length, at, copied);
			length += copied;
			at += copied - 1;
			continue;
		}
		if (*at == ')' && nesting > 0)
			nesting--;
		if (nesting == 0)
			folded[length++] = *at;
		if (*at == '(' && nesting++ == 0 && at[1] != ')') {
			memcpy(folded + length, "...", 3);
			length += 3;
		}
	}
	if (folded)
		folded[length] = '\0';
	return folded;
}

static unsigned deepest_template(const char *name)
{
	unsigned nesting = 0, deepest = 0;
	for (const char *at = name; *at; at++) {
		size_t skipped = operator_length(name, at);
		if (skipped)
			at += skipped - 1;
		else if (*at == '<' && ++nesting > deepest)
			deepest = nesting;
		else if (*at == '>' && nesting > 0 && at[-1] != '-')
			nesting--;
	}
	return deepest;
}

/* Takes `folded` for the name; NULL leaves the name as it is. True when it fits then. */
static bool replace(char **name, char *folded, size_t columns)
{
	if (folded) {
		free(*name);
		*name = folded;
	}
	return text_layout_columns(*name) <= columns;
}

/* The standard library's spellings made short, then templates folded, the innermost first, up to those
 * `outermost` deep. *ret_fits: no more need be done. */
static char *fold_from_inside(const char *name, size_t columns, unsigned outermost, bool *ret_fits)
{
	char *folded = strdup(name);
	if (!folded)
		return NULL;
	respell_all(folded);
	*ret_fits = text_layout_columns(folded) <= columns;
	for (unsigned depth = deepest_template(folded); depth >= outermost && !*ret_fits; depth--)
		*ret_fits = replace(&folded, fold_templates(folded, depth), columns);
	return folded;
}

char *text_layout_fold_name(const char *name, size_t columns)
{
	bool fits;
	char *folded = fold_from_inside(name, columns, 2, &fits);
	if (folded && !fits && !replace(&folded, fold_parameters(folded), columns))
		replace(&folded, fold_templates(folded, 1), columns);
	return folded;
}

char *text_layout_fold_sentence(const char *sentence, size_t columns)
{
	bool fits;
	return fold_from_inside(sentence, columns, 1, &fits);
}

char *text_layout_name_glob(const char *name)
{
	enum { COLUMNS_MAX = 60 };
	char *glob = strlen(name) > COLUMNS_MAX ? text_layout_fold_name(name, 0) : strdup(name);
	if (!glob)
		return NULL;
	respell(glob, &(struct spelling){"...", "*"});
	for (char *at = glob; *at; at++)
		if (*at == '[' || *at == ']' || *at == '\\')
			*at = '?';
	return glob;
}

char *text_layout_short_path(const char *path, const char *folder)
{
	size_t length = folder ? strlen(folder) : 0;
	if (length > 1 && strncmp(path, folder, length) == 0 && path[length] == '/' && path[length + 1])
		path += length + 1;
	return strdup(path);
}

void text_layout_duration(char ret_text[TEXT_LAYOUT_DURATION_SIZE], uint64_t duration_ns)
{
	static const struct {
		uint64_t unit_ns;
		const char *name;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
	uint64_t seconds = duration_ns / 1000000000;
	size_t size = TEXT_LAYOUT_DURATION_SIZE, i = 0;
	if (seconds >= 3600) {
		snprintf(ret_text, size,
		         "%" PRIu64 TEXT_LAYOUT_NO_BREAK "h" TEXT_LAYOUT_NO_BREAK
		         "%" PRIu64 TEXT_LAYOUT_NO_BREAK "min",
		         seconds / 3600, seconds / 60 % 60);
		return;
	}
	if (seconds >= 60) {
		snprintf(ret_text, size,
		         "%" PRIu64 TEXT_LAYOUT_NO_BREAK "min" TEXT_LAYOUT_NO_BREAK
		         "%" PRIu64 TEXT_LAYOUT_NO_BREAK "s",
		         seconds / 60, seconds % 60);
		return;
	}
	while (units[i].unit_ns > 1 && duration_ns < units[i].unit_ns)
		i++;
	uint64_t whole = duration_ns / units[i].unit_ns;
	uint64_t tenths = units[i].unit_ns > 1 ? duration_ns % units[i].unit_ns / (units[i].unit_ns / 10) : 0;
	if (whole >= 100 || tenths == 0)
		snprintf(ret_text, size, "%" PRIu64 TEXT_LAYOUT_NO_BREAK "%s", whole, units[i].name);
	else
		snprintf(ret_text, size, "%" PRIu64 ".%" PRIu64 TEXT_LAYOUT_NO_BREAK "%s", whole, tenths,
		         units[i].name);
}
