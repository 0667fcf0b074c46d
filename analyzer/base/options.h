/* The options of all commands, from AFTERFORK_OPTIONS and the command line, driven by options.def.
 *
 * To add one: a row in options.def; read it by options_string(o, OPTION_<ID>) and so on. Both sources
 * use the same names; the command line wins, a list option (given several times) takes both. */
#ifndef AFTERFORK_OPTIONS_H
#define AFTERFORK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Who uses an option. A command line takes its own command's only; AFTERFORK_OPTIONS takes all of them. */
enum {
	OPTION_FOR_RUN = 1,
	OPTION_FOR_REPORT = 2,
	OPTION_FOR_INSPECT = 4,
	OPTION_FOR_RULES = 8,
	OPTION_FOR_LIBRARY = 16,
};

enum option_kind {
	OPTION_KIND_FLAG, /* no argument on the command line; `verbose` or `verbose=yes|no` in the environment
	                   */
	OPTION_KIND_STRING,
	OPTION_KIND_NUMBER, /* decimal, within the row's limits */
	OPTION_KIND_SIZE,   /* bytes; suffix K, M or G (powers of 1024) */
	OPTION_KIND_CHOICE, /* one of a|b|c */
	OPTION_KIND_LIST,   /* a string, may be given several times */
};

enum option_id {
#define OPTION(id, name, letter, kind, argument, initial, limits, users, help) OPTION_##id,
#include "options.def"
#undef OPTION
	OPTION_COUNT
};

struct option_value {
	const char *text;   /* as given, or the default; NULL: no value */
	uint64_t number;    /* of FLAG, NUMBER, SIZE; the index in the choices for CHOICE */
	const char **items; /* of LIST */
	size_t item_count;
};

struct options {
	struct option_value values[OPTION_COUNT];
	char *environment; /* a copy of AFTERFORK_OPTIONS that values point into */
};

/* Defaults, then `environment` (the text of AFTERFORK_OPTIONS; NULL: none), then argv[1..] up to the first
 * operand or "--". *ret_first_operand is the index in argv of the first operand (argc: there is none).
 * argv[0] is the command's name ("run") and must outlive the options. `user` is one OPTION_FOR_ value.
 * 0, or -1 with one line on stderr that names the key, the value and, for an unknown key, the nearest
 * known one (exit 125 then). Options are released in that case. */
int options_parse(struct options *ret_options, unsigned user, const char *environment, int argc, char **argv,
                  int *ret_first_operand);
void options_release(struct options *options);

bool options_flag(const struct options *options, enum option_id id);
uint64_t options_number(const struct options *options, enum option_id id);    /* NUMBER, SIZE */
const char *options_string(const struct options *options, enum option_id id); /* may be NULL */
/* Index in the row's choices, counted from 0. */
unsigned options_choice(const struct options *options, enum option_id id);
const char *const *options_list(const struct options *options, enum option_id id, size_t *ret_count);

/* The option part of `afterfork COMMAND --help`, from the table. */
void options_print_help(unsigned user, FILE *out);

/* True when --help (-h) stands among the options: nothing else is parsed or checked. */
bool options_ask_help(unsigned user, int argc, char **argv);

/* Choices of options.def, in its order. */
enum { ON_DEADLOCK_REPORT, ON_DEADLOCK_ABORT, ON_DEADLOCK_KILL };
enum { WAIT_FOR_COMMAND, WAIT_FOR_ALL };
enum { FAIL_ON_CERTAIN, FAIL_ON_LIKELY, FAIL_ON_POSSIBLE, FAIL_ON_NEVER };

#endif
