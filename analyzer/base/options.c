#include "options.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"
#include "text_layout.h"

/* Where a value came from, for messages. */
struct source {
	const char *command; /* NULL: AFTERFORK_OPTIONS */
	unsigned users;      /* whose options are taken */
};

__attribute__((format(printf, 2, 3))) static int complain(const struct source *source, const char *format,
                                                          ...)
{
	va_list arguments;

	if (source->command)
		fprintf(stderr, "afterfork %s: ", source->command);
	else
		fputs("afterfork: AFTERFORK_OPTIONS: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return -1;
}

static int complain_unknown(const struct source *source, const char *name, size_t length)
{
	const char *dashes = source->command ? "--" : "";
	const char *nearest = option_table_nearest(name, length, source->users);

	if (source->command && option_table_find(name, length) != OPTION_COUNT)
		return complain(source,
		                "--%.*s is no option of this command; `afterfork %s --help` lists them",
		                (int)length, name, source->command);
	if (nearest)
		return complain(source, "unknown option %s%.*s; did you mean %s%s?", dashes, (int)length,
		                name, dashes, nearest);
	return complain(source, "unknown option %s%.*s; `afterfork %s --help` lists them", dashes,
	                (int)length, name, source->command ? source->command : "run");
}

static int complain_bad_value(const struct source *source, const struct option_row *row, const char *text,
                              const char *expected)
{
	static const char *const words[] = {
	    [OPTION_KIND_FLAG] = "",
	    [OPTION_KIND_STRING] = "a ",
	    [OPTION_KIND_NUMBER] = "a number in ",
	    [OPTION_KIND_SIZE] = "a size in bytes, or with K, M or G, in ",
	    [OPTION_KIND_CHOICE] = "one of ",
	    [OPTION_KIND_LIST] = "a ",
	};

	return complain(source, "%s%s: \"%s\" is no good value; expected %s%s", source->command ? "--" : "",
	                row->name, text, words[row->kind], expected);
}

static int append_item(struct option_value *value, const char *text)
{
	const char **items = reallocarray(value->items, value->item_count + 1, sizeof *items);

	if (!items)
		return -1;
	value->items = items;
	value->items[value->item_count++] = text;
	return 0;
}

static int set_value(struct options *options, const struct source *source, enum option_id id,
                     const char *text)
{
	const struct option_row *row = &option_table[id];
	struct option_value *value = &options->values[id];
	const char *expected = option_table_parse(row, text, value);

	if (expected)
		return complain_bad_value(source, row, text, expected);
	if (row->kind == OPTION_KIND_LIST && append_item(value, text))
		return complain(source, "%s: out of memory", row->name);
	return 0;
}

static void set_defaults(struct options *options)
{
	for (unsigned id = 0; id < OPTION_COUNT; id++)
		if (option_table[id].initial)
			option_table_parse(&option_table[id], option_table[id].initial, &options->values[id]);
}

/* Cuts the next blank-separated word out of *at, in place; double quotes hold blanks together and go away.
 * NULL at the end; *ret_closed is false when a quote is left open. */
static char *next_word(char **at, bool *ret_closed)
{
	char *word, *to;
	bool quoted = false, more;

	*at += strspn(*at, " \t\n");
	if (!**at)
		return NULL;
	word = to = *at;
	for (; **at && (quoted || !strchr(" \t\n", **at)); ++*at) {
		if (**at == '"')
			quoted = !quoted;
		else
			*to++ = **at;
	}
	more = **at != '\0';
	*to = '\0';
	*at += more;
	*ret_closed = !quoted;
	return word;
}

static int parse_word(struct options *options, const struct source *source, char *word)
{
	size_t length = strcspn(word, "=");
	enum option_id id = option_table_find(word, length);
	const char *value = word[length] ? word + length + 1 : NULL;

	if (id == OPTION_COUNT || id == OPTION_HELP)
		return complain_unknown(source, word, length);
	if (!value && option_table[id].kind != OPTION_KIND_FLAG)
		return complain(source, "%s needs a value: %s=%s", word, word, option_table[id].argument);
	return set_value(options, source, id, value ? value : "yes");
}

static int parse_environment(struct options *options, const char *environment)
{
	const struct source source = {.users = ~0u};
	bool closed = true;
	char *at, *word;

	options->environment = strdup(environment);
	if (!options->environment)
		return complain(&source, "out of memory");
	at = options->environment;
	while ((word = next_word(&at, &closed))) {
		if (!closed)
			return complain(&source, "a double quote is not closed, in: %s", environment);
		if (parse_word(options, &source, word))
			return -1;
	}
	return 0;
}

/* The state of a walk over the command line. */
struct arguments {
	int count, at;
	char **items;
	bool mixed;      /* options may follow operands; what follows a command to run is its own */
	char **operands; /* where operands that are stepped over are kept, or NULL */
	int operand_count;
};

/* The value of an option: what is attached, else the next argument. NULL when there is none. */
static const char *take_value(struct arguments *arguments, const char *attached)
{
	if (attached)
		return attached;
	return arguments->at + 1 < arguments->count ? arguments->items[++arguments->at] : NULL;
}

static bool takes(const struct source *source, enum option_id id)
{
	return id != OPTION_COUNT && (option_table[id].users & source->users);
}

static int parse_long(struct options *options, const struct source *source, struct arguments *arguments)
{
	const char *name = arguments->items[arguments->at] + 2;
	size_t length = strcspn(name, "=");
	const char *attached = name[length] ? name + length + 1 : NULL;
	enum option_id id = option_table_find(name, length);
	const char *value;

	if (!takes(source, id))
		return complain_unknown(source, name, length);
	if (option_table[id].kind == OPTION_KIND_FLAG) {
		if (attached)
			return complain(source, "--%s takes no value", option_table[id].name);
		return set_value(options, source, id, "yes");
	}
	value = take_value(arguments, attached);
	if (!value)
		return complain(source, "--%s needs a value: --%s=%s", option_table[id].name,
		                option_table[id].name, option_table[id].argument);
	return set_value(options, source, id, value);
}

/* One argument of letters: flags may be joined, the last letter may take a value. */
static int parse_letters(struct options *options, const struct source *source, struct arguments *arguments)
{
	const char *letters = arguments->items[arguments->at] + 1;

	for (; *letters; letters++) {
		enum option_id id = option_table_find_letter(*letters);
		const char *value;

		if (!takes(source, id))
			return complain(source, "unknown option -%c; `afterfork %s --help` lists them",
			                *letters, source->command);
		if (option_table[id].kind == OPTION_KIND_FLAG) {
			if (set_value(options, source, id, "yes"))
				return -1;
			continue;
		}
		value = take_value(arguments, letters[1] ? letters + 1 : NULL);
		if (!value)
			return complain(source, "-%c needs a value: -%c %s", *letters, *letters,
			                option_table[id].argument);
		return set_value(options, source, id, value);
	}
	return 0;
}

/* Goes on to the next option, and over the "--" that ends them. */
static bool at_option(struct arguments *arguments)
{
	for (; arguments->at < arguments->count; arguments->at++) {
		char *item = arguments->items[arguments->at];

		if (strcmp(item, "--") == 0) {
			arguments->at++;
			return false;
		}
		if (item[0] == '-' && item[1])
			return true;
		if (!arguments->mixed)
			return false;
		if (arguments->operands)
			arguments->operands[arguments->operand_count++] = item;
	}
	return false;
}

static int parse_command_line(struct options *options, unsigned user, int argc, char **argv,
                              int *ret_first_operand)
{
	const struct source source = {.command = argv[0], .users = user};
	struct arguments arguments = {
	    .count = argc, .at = 1, .items = argv, .mixed = user != OPTION_FOR_RUN, .operands = argv + 1};

	for (; at_option(&arguments); arguments.at++) {
		bool is_long = arguments.items[arguments.at][1] == '-';

		if (is_long ? parse_long(options, &source, &arguments)
		            : parse_letters(options, &source, &arguments))
			return -1;
	}
	*ret_first_operand = arguments.at - arguments.operand_count;
	memmove(argv + *ret_first_operand, argv + 1, (size_t)arguments.operand_count * sizeof *argv);
	return 0;
}

int options_parse(struct options *ret_options, unsigned user, const char *environment, int argc, char **argv,
                  int *ret_first_operand)
{
	*ret_options = (struct options){0};
	set_defaults(ret_options);
	if ((environment && parse_environment(ret_options, environment)) ||
	    parse_command_line(ret_options, user, argc, argv, ret_first_operand)) {
		options_release(ret_options);
		return -1;
	}
	return 0;
}

bool options_ask_help(unsigned user, int argc, char **argv)
{
	struct arguments arguments = {.count = argc, .at = 1, .items = argv, .mixed = user != OPTION_FOR_RUN};

	for (; at_option(&arguments); arguments.at++) {
		const char *item = arguments.items[arguments.at];
		bool is_long = item[1] == '-';
		size_t length = is_long ? strcspn(item + 2, "=") : 0;
		enum option_id id =
		    is_long ? option_table_find(item + 2, length) : option_table_find_letter(item[1]);

		if (id == OPTION_HELP)
			return true;
		if (id == OPTION_COUNT || !(option_table[id].users & user))
			return false;
		if (option_table[id].kind != OPTION_KIND_FLAG && !(is_long ? item[2 + length] : item[2]))
			arguments.at++;
	}
	return false;
}

void options_release(struct options *options)
{
	for (unsigned id = 0; id < OPTION_COUNT; id++)
		free(options->values[id].items);
	free(options->environment);
	*options = (struct options){0};
}

bool options_flag(const struct options *options, enum option_id id)
{
	return options->values[id].number != 0;
}

uint64_t options_number(const struct options *options, enum option_id id)
{
	return options->values[id].number;
}

const char *options_string(const struct options *options, enum option_id id)
{
	return options->values[id].text;
}

unsigned options_choice(const struct options *options, enum option_id id)
{
	return (unsigned)options->values[id].number;
}

const char *const *options_list(const struct options *options, enum option_id id, size_t *ret_count)
{
	*ret_count = options->values[id].item_count;
	return options->values[id].items;
}

/* Help texts start here; longer heads get a line of their own. */
enum { HELP_COLUMN = 28, HELP_WIDTH = 80 };

static void print_row(const struct option_row *row, FILE *out)
{
	char letter[8] = "    ", head[64], tail[300];
	const char *shown = row->kind == OPTION_KIND_CHOICE ? row->limits : NULL;
	bool has_default = row->initial && row->kind != OPTION_KIND_FLAG;

	if (row->letter)
		snprintf(letter, sizeof letter, "-%c, ", row->letter);
	snprintf(head, sizeof head, "  %s--%s%s%s", letter, row->name, row->argument ? " " : "",
	         row->argument ? row->argument : "");
	snprintf(tail, sizeof tail, "%s%s%s%s%s%s", row->help, shown ? ": " : "", shown ? shown : "",
	         has_default ? " (default: " : "", has_default ? row->initial : "", has_default ? ")" : "");
	if (strlen(head) + 2 > HELP_COLUMN)
		fprintf(out, "%s\n%*s", head, HELP_COLUMN, "");
	else
		fprintf(out, "%-*s", HELP_COLUMN, head);
	text_layout_wrap(out, tail, HELP_COLUMN, HELP_COLUMN, HELP_WIDTH);
	fputc('\n', out);
}

void options_print_help(unsigned user, FILE *out)
{
	for (unsigned id = 0; id < OPTION_COUNT; id++)
		if (option_table[id].users & user)
			print_row(&option_table[id], out);
}
