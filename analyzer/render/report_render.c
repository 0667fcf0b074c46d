/* The --format list: which report goes where. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "report.h"

#define RENDERER(name) extern const struct renderer render_##name;
#include "renderers.def"
#undef RENDERER

static const struct renderer *const renderers[] = {
#define RENDERER(name) &render_##name,
#include "renderers.def"
#undef RENDERER
};
enum { RENDERER_COUNT = sizeof renderers / sizeof renderers[0] };

/* One item of the list. */
struct target {
	const struct renderer *renderer;
	char *file; /* NULL: stdout */
};

static const struct renderer *find_renderer(const char *name, size_t length)
{
	for (size_t i = 0; i < RENDERER_COUNT; i++)
		if (strlen(renderers[i]->name) == length && !memcmp(renderers[i]->name, name, length))
			return renderers[i];
	return NULL;
}

static int complain_unknown(const char *item, size_t length)
{
	fprintf(stderr, "afterfork: --format: unknown format \"%.*s\"; known are", (int)length, item);
	for (size_t i = 0; i < RENDERER_COUNT; i++)
		fprintf(stderr, "%s %s", i ? "," : "", renderers[i]->name);
	fputc('\n', stderr);
	return -1;
}

/* Reads the item at *at and steps over it and its comma. ret_target->file is malloc'ed. */
static int next_target(const char **at, struct target *ret_target)
{
	size_t length = strcspn(*at, ","), name_length = strcspn(*at, ",=");
	const char *item = *at;

	ret_target->renderer = find_renderer(item, name_length);
	ret_target->file = NULL;
	if (!ret_target->renderer)
		return complain_unknown(item, name_length);
	*at += length + (item[length] == ',');
	if (name_length == length)
		return 0;
	if (name_length + 1 == length) {
		fprintf(stderr, "afterfork: --format: no file name follows \"%.*s\"\n", (int)length, item);
		return -1;
	}
	ret_target->file = strndup(item + name_length + 1, length - name_length - 1);
	return ret_target->file ? 0 : -1;
}

static int complain_unwritten(const struct target *target, const char *reason)
{
	fprintf(stderr, "afterfork: cannot write the %s report to %s: %s\n", target->renderer->name,
	        target->file ? target->file : "standard output", reason);
	return -1;
}

/* Neither makes nor opens the file: it may be a pipe, and an earlier report stays readable. */
static int check_place(const struct target *target)
{
	struct stat status;
	int error = 0;

	if (!target->file)
		return 0;
	if (!stat(target->file, &status)) {
		error = S_ISDIR(status.st_mode) ? EISDIR : access(target->file, W_OK) ? errno : 0;
	} else {
		const char *slash = strrchr(target->file, '/');
		char *folder =
		    slash ? strndup(target->file, (size_t)(slash - target->file) + 1) : strdup(".");
		error = !folder ? ENOMEM : access(folder, W_OK | X_OK) ? errno : 0;
		free(folder);
	}
	return error ? complain_unwritten(target, strerror(error)) : 0;
}

static int check_each(const char *list, int (*check)(const struct target *))
{
	const char *at = list;

	do {
		struct target target;
		int error = next_target(&at, &target);

		if (!error && check)
			error = check(&target);
		free(target.file);
		if (error)
			return -1;
	} while (*at || (at > list && at[-1] == ','));
	return 0;
}

int report_check_formats(const char *list)
{
	return check_each(list, NULL);
}

int report_check_places(const char *list)
{
	return check_each(list, check_place);
}

static bool decide_color(enum color_mode mode, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	return isatty(fileno(out)) && !(no_color && *no_color) && !(terminal && !strcmp(terminal, "dumb"));
}

static int render_to(const struct report *report, const struct target *target, FILE *out,
                     const struct render_options *options)
{
	struct render_options own = *options;

	own.color = decide_color(options->color_mode, out);
	if (target->renderer->render(report, out, &own))
		return complain_unwritten(target, "out of memory");
	return fflush(out) || ferror(out) ? complain_unwritten(target, strerror(errno)) : 0;
}

static int render_target(const struct report *report, const struct target *target,
                         const struct render_options *options)
{
	if (!target->file)
		return render_to(report, target, stdout, options);
	FILE *out = fopen(target->file, "we");
	if (!out)
		return complain_unwritten(target, strerror(errno));
	int status = render_to(report, target, out, options);
	if (fclose(out) && !status)
		status = complain_unwritten(target, strerror(errno));
	return status;
}

/* One output that fails does not keep the others from being written. */
int report_render_all(const struct report *report, const char *list, const struct render_options *options)
{
	const char *at = list;
	int status = 0;

	if (report_check_formats(list))
		return -1;
	while (*at) {
		struct target target;

		if (next_target(&at, &target) || render_target(report, &target, options))
			status = -1;
		free(target.file);
	}
	return status;
}

void report_print_formats(FILE *out)
{
	for (size_t i = 0; i < RENDERER_COUNT; i++)
		fprintf(out, "  %-25s %s\n", renderers[i]->name, renderers[i]->summary);
}

static enum color_mode color_mode_of(const struct options *options)
{
	static const enum color_mode modes[] = {COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER};

	return modes[options_choice(options, OPTION_COLOR)];
}

void report_options_from(struct report_options *ret_report, struct render_options *ret_render,
                         const struct options *options)
{
	const char *servers = getenv("DEBUGINFOD_URLS");

	*ret_report = (struct report_options){
	    .symbolizer =
	        {
	            .debuginfod = servers && *servers,
	            .sysroot = options_string(options, OPTION_SYSROOT),
	        },
	    .tell_unused_suppressions = options_flag(options, OPTION_VERBOSE),
	};
	ret_report->suppression_files =
	    options_list(options, OPTION_SUPPRESSIONS, &ret_report->suppression_file_count);
	*ret_render = (struct render_options){
	    .color_mode = color_mode_of(options),
	    .stack_limit = (unsigned)options_number(options, OPTION_STACK_LIMIT),
	    .verbose = options_flag(options, OPTION_VERBOSE),
	    .quiet = options_flag(options, OPTION_QUIET),
	};
}
