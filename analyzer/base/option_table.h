/* One row of options.def, and how its texts become values. For options.c. */
#ifndef AFTERFORK_OPTION_TABLE_H
#define AFTERFORK_OPTION_TABLE_H

#include "options.h"

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	const char *argument; /* NULL: takes none */
	const char *initial;  /* NULL: none */
	const char *limits;
	unsigned users; /* OPTION_FOR_ values */
	const char *help;
};

extern const struct option_row option_table[OPTION_COUNT];

/* OPTION_COUNT when there is none. */
enum option_id option_table_find(const char *name, size_t length);
enum option_id option_table_find_letter(char letter);
/* The name most like a mistyped one, among the options of these users; NULL: none is close. */
const char *option_table_nearest(const char *name, size_t length, unsigned users);

/* Turns text into the row's value; text must outlive it. NULL when it is good, else what would be, static or
 * from the row: "one of report|abort|kill". */
const char *option_table_parse(const struct option_row *row, const char *text,
                               struct option_value *ret_value);

#endif
