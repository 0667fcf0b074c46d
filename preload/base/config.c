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

static bool parse_action(const char *value, uint32_t *ret_action)
{
	static const char *const names[] = {
	    [TRACE_ACTION_REPORT] = "report",
	    [TRACE_ACTION_ABORT] = "abort",
	    [TRACE_ACTION_KILL] = "kill",
	};
	for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_action = i;
			return true;
		}
	}
	return false;
}

static bool parse_size(const char *value, uint64_t *ret_size_bytes)
{
	uint64_t size = 0;
	const char *at = value;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (size > (UINT64_MAX >> 34))
			return false;
		size = size * 10 + (uint64_t)(*at - '0');
	}
	static const char units[] = "KMG";
	const char *unit = *at ? strchr(units, *at) : NULL;
	if (at == value || (*at && (!unit || at[1])))
		return false;
	*ret_size_bytes = unit ? size << (10 * (unit - units + 1)) : size;
	return true;
}

/* Keys of the command alone are known, and not ours. */
static bool belongs_to_command(const char *key)
{
	static const char *const keys[] = {
#define OPTION(id, name, ...) name,
#include "options.def"
#undef OPTION
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

static void apply(const char *key, const char *value)
{
	bool good = true;
	if (strcmp(key, "on-deadlock") == 0) {
		good = parse_action(value, &config.on_deadlock);
	} else if (strcmp(key, "trace-limit") == 0) {
		good = parse_size(value, &config.trace_limit_bytes);
	} else if (strcmp(key, "output") == 0) {
		good = *value != 0;
		struct line line = line_on(config.output, sizeof config.output);
		line_text(&line, good ? value : DEFAULT_OUTPUT);
	} else if (!belongs_to_command(key)) {
		message_error("AFTERFORK_OPTIONS: unknown option, ignored: ", key, 0);
	}
	if (!good)
		message_error("AFTERFORK_OPTIONS: bad value, the default is used: ", key, 0);
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
		apply(pair, equals ? equals + 1 : "");
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
	line_text(line, value ? value : "");
	*at = end;
	return true;
}

int config_expand_output(char *ret_path, size_t size_bytes)
{
	struct line line = line_on(ret_path, size_bytes);
	struct utsname system = {0};
	for (const char *at = config.output; *at; at++) {
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
