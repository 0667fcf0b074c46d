#include "option_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option_row option_table[OPTION_COUNT] = {
#define OPTION(id, name, letter, kind, argument, initial, limits, users, help)                               \
	[OPTION_##id] = {name, letter, OPTION_KIND_##kind, argument, initial, limits, users, help},
#include "options.def"
#undef OPTION
};

enum option_id option_table_find(const char *name, size_t length)
{
	for (unsigned id = 0; id < OPTION_COUNT; id++)
		if (strlen(option_table[id].name) == length && !memcmp(option_table[id].name, name, length))
			return id;
	return OPTION_COUNT;
}

enum option_id option_table_find_letter(char letter)
{
	for (unsigned id = 0; id < OPTION_COUNT; id++)
		if (letter && option_table[id].letter == letter)
			return id;
	return OPTION_COUNT;
}

enum { NAME_MAX_BYTES = 32 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* How many letters must be added, dropped or changed. */
static unsigned distance(const char *left, size_t left_length, const char *right, size_t right_length)
{
	unsigned row[NAME_MAX_BYTES + 1];

	for (size_t j = 0; j <= right_length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= left_length; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= right_length; j++) {
			unsigned above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (left[i - 1] != right[j - 1]));
			diagonal = above;
		}
	}
	return row[right_length];
}

const char *option_table_nearest(const char *name, size_t length, unsigned users)
{
	const char *nearest = NULL;
	unsigned best = (unsigned)length / 3 + 2;

	if (length > NAME_MAX_BYTES)
		return NULL;
	for (unsigned id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_table[id];
		unsigned far = distance(name, length, row->name, strlen(row->name));

		if ((row->users & users) && far < best) {
			best = far;
			nearest = row->name;
		}
	}
	return nearest;
}

/* Reads decimal digits and, where allowed, one of K, M, G. False when that is not all there is, up to `stop`.
 */
static bool parse_number(const char *text, bool suffix_allowed, char stop, uint64_t *ret_number,
                         const char **ret_end)
{
	static const char suffixes[] = "KMG";
	unsigned long long number;
	const char *suffix;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	suffix = suffix_allowed && *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);

		if (number > UINT64_MAX >> shift)
			return false;
		number <<= shift;
		end++;
	}
	*ret_number = number;
	*ret_end = end;
	return !errno && *end == stop;
}

static bool within_limits(const struct option_row *row, uint64_t number)
{
	bool suffix_allowed = row->kind == OPTION_KIND_SIZE;
	uint64_t lowest, highest;
	const char *end;

	return row->limits && parse_number(row->limits, suffix_allowed, '-', &lowest, &end) &&
	       parse_number(end + 1, suffix_allowed, '\0', &highest, &end) && number >= lowest &&
	       number <= highest;
}

static bool parse_choice(const char *choices, const char *text, uint64_t *ret_index)
{
	size_t length = strlen(text);

	for (uint64_t index = 0; *choices; index++) {
		size_t choice_length = strcspn(choices, "|");

		if (choice_length == length && !memcmp(choices, text, length)) {
			*ret_index = index;
			return true;
		}
		choices += choice_length + (choices[choice_length] == '|');
	}
	return false;
}

const char *option_table_parse(const struct option_row *row, const char *text, struct option_value *ret_value)
{
	uint64_t number = 0;
	const char *end;

	switch (row->kind) {
	case OPTION_KIND_FLAG:
		if (!parse_choice("no|yes", text, &number))
			return "yes|no";
		break;
	case OPTION_KIND_CHOICE:
		if (!parse_choice(row->limits, text, &number))
			return row->limits;
		break;
	case OPTION_KIND_NUMBER:
	case OPTION_KIND_SIZE:
		if (!parse_number(text, row->kind == OPTION_KIND_SIZE, '\0', &number, &end) ||
		    !within_limits(row, number))
			return row->limits;
		break;
	case OPTION_KIND_STRING:
	case OPTION_KIND_LIST:
		if (!*text)
			return row->argument;
		break;
	}
	ret_value->text = text;
	ret_value->number = number;
	return NULL;
}
