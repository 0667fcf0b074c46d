#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "fork_snapshot.h"
#include "line.h"
#include "message.h"
#include "raw_syscall.h"

#define DEFAULT_OUTPUT "afterfork.%p"

struct config config = {
    .output = DEFAULT_OUTPUT,
    .on_deadlock = TRACE_ACTION_REPORT,
    .trace_limit_bytes = (uint64_t)256 << 20,
};

static char trace_folder[TRACE_PATH_SIZE_BYTES];
static char *const *environment_at_start;

const char *config_variable(char *const environment[], const char *name)
{
	size_t length = strlen(name);
	for (char *const *entry = environment; entry && *entry; entry++) {
		if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
			return *entry + length + 1;
	}
	return NULL;
}

enum option_kind { KIND_FLAG, KIND_STRING, KIND_NUMBER, KIND_SIZE, KIND_CHOICE, KIND_LIST };

/* An option and its values, as options.def has them; the command's own are known, too. */
struct option {
	const char *name;
	enum option_kind kind;
	const char *limits;
};

static const struct option options[] = {
#define OPTION(id, name, letter, kind, argument, initial, limits, ...) {name, KIND_##kind, limits},
#include "options.def"
#undef OPTION
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (strcmp(name, options[i].name) == 0)
			return &options[i];
	}
	return NULL;
}

/* choices: "a|b|c". */
static bool parse_choice(const char *choices, const char *value, uint64_t *ret_index)
{
	size_t length = strlen(value);
	for (*ret_index = 0; *choices; ++*ret_index) {
		const char *end = strchr(choices, '|');
		size_t choice_length = end ? (size_t)(end - choices) : strlen(choices);
		if (choice_length == length && strncmp(choices, value, length) == 0)
			return true;
		choices += choice_length + (end != NULL);
	}
	return false;
}

/* Digits, and one of K, M, G. Returns where they end, or NULL. */
static const char *parse_size(const char *value, uint64_t *ret_size_bytes)
{
	uint64_t size = 0;
	const char *at = value;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (size > (UINT64_MAX >> 34))
			return NULL;
		size = size * 10 + (uint64_t)(*at - '0');
	}
	if (at == value)
		return NULL;
	static const char units[] = "KMG";
	const char *unit = *at ? strchr(units, *at) : NULL;
	*ret_size_bytes = unit ? size << (10 * (unit - units + 1)) : size;
	return unit ? at + 1 : at;
}

/* limits: "lowest-highest". */
static bool parse_within(const char *limits, const char *value, uint64_t *ret_number)
{
	uint64_t lowest, highest;
	const char *dash = parse_size(limits, &lowest);
	const char *end = parse_size(value, ret_number);
	return end && !*end && parse_size(dash + 1, &highest) && *ret_number >= lowest &&
	       *ret_number <= highest;
}

static bool parse_value(const struct option *option, const char *value, uint64_t *ret_number)
{
	switch (option->kind) {
	case KIND_FLAG:
		return parse_choice("no|yes", value, ret_number);
	case KIND_CHOICE:
		return parse_choice(option->limits, value, ret_number);
	case KIND_NUMBER:
	case KIND_SIZE:
		return parse_within(option->limits, value, ret_number);
	default:
		return *value;
	}
}

static void say_bad_value(const char *key)
{
	message_error("AFTERFORK_OPTIONS: bad value, the default is used: ", key, 0);
}

static void apply(const char *key, const char *value)
{
	const struct option *option = find_option(key);
	uint64_t number;
	if (!option) {
		message_error("AFTERFORK_OPTIONS: unknown option, ignored: ", key, 0);
	} else if (!parse_value(option, value ? value : option->kind == KIND_FLAG ? "yes" : "", &number)) {
		say_bad_value(key);
	} else if (strcmp(key, "on-deadlock") == 0) {
		config.on_deadlock = (uint32_t)number;
	} else if (strcmp(key, "trace-limit") == 0) {
		config.trace_limit_bytes = number;
	} else if (strcmp(key, "output") == 0) {
		struct line line = line_on(config.output, sizeof config.output);
		line_text(&line, value);
	}
}

/* key=value pairs, blanks between them; a value may stand in double quotes. */
static void parse_options(const char *options)
{
	char pair[TRACE_PATH_SIZE_BYTES];
	while (*options) {
		while (*options == ' ' || *options == '\t' || *options == '\n')
			options++;
		struct line line = line_on(pair, sizeof pair);
		bool quoted = false;
		for (; *options && (quoted || !strchr(" \t\n", *options)); options++) {
			if (*options == '"')
				quoted = !quoted;
			else
				line_char(&line, *options);
		}
		if (!line.length_bytes)
			continue;
		if (line.truncated) {
			message_error("AFTERFORK_OPTIONS: option too long, ignored: ", pair, 0);
			continue;
		}
		char *equals = strchr(pair, '=');
		if (equals)
			*equals = 0;
		apply(pair, equals ? equals + 1 : NULL);
	}
}

void config_init(char *const environment[])
{
	environment_at_start = environment;
	const char *options = config_variable(environment, "AFTERFORK_OPTIONS");
	if (options)
		parse_options(options);
	const char *folder = config_variable(environment, "AFTERFORK_TRACE");
	if (!folder || !*folder)
		return;
	struct line line = line_on(trace_folder, sizeof trace_folder);
	line_text(&line, folder);
	config.trace_folder = trace_folder;
}

static bool expand_variable(struct line *line, const char **at)
{
	const char *start = *at + 2;
	const char *end = (*at)[1] == '{' ? strchr(start, '}') : NULL;
	char name[128];
	if (!end || (size_t)(end - start) >= sizeof name)
		return false;
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = 0;
	const char *value = config_variable(environment_at_start, name);
	if (!value || !*value)
		return false;
	line_text(line, value);
	*at = end;
	return true;
}

static int expand(const char *pattern, char *ret_path, size_t size_bytes)
{
	struct line line = line_on(ret_path, size_bytes);
	struct utsname system = {0};
	for (const char *at = pattern; *at; at++) {
		if (*at != '%') {
			line_char(&line, *at);
			continue;
		}
		switch (*++at) {
		case 'p':
			line_number(&line, process.pid);
			break;
		case 'h':
			raw_syscall1(SYS_uname, (long)&system);
			line_text(&line, system.nodename);
			break;
		case 'q':
			if (!expand_variable(&line, &at))
				return EINVAL;
			break;
		case '%':
			line_char(&line, '%');
			break;
		default:
			return EINVAL;
		}
	}
	return line.truncated ? ENAMETOOLONG : 0;
}

int config_expand_output(char *ret_path, size_t size_bytes)
{
	int error = expand(config.output, ret_path, size_bytes);
	if (error != EINVAL)
		return error;
	say_bad_value("output");
	return expand(DEFAULT_OUTPUT, ret_path, size_bytes);
}
