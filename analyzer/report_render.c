/* The --format list: which report goes where. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

int report_check_formats(const char *list)
{
	const char *at = list;

	do {
		struct target target;

		if (next_target(&at, &target))
			return -1;
		free(target.file);
	} while (*at || (at > list && at[-1] == ','));
	return 0;
}

static bool decide_color(enum color_mode mode, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	return isatty(fileno(out)) && !(no_color && *no_color) && !(terminal && !strcmp(terminal, "dumb"));
}

static int render_to(const struct report *report, const struct renderer *renderer, FILE *out,
                     const char *where, const struct render_options *options)
{
	struct render_options own = *options;

	own.color = decide_color(options->color_mode, out);
	if (renderer->render(report, out, &own)) {
		fprintf(stderr, "afterfork: cannot write the %s report to %s: out of memory\n",
		        renderer->name, where);
		return -1;
	}
	if (fflush(out) || ferror(out)) {
		fprintf(stderr, "afterfork: cannot write the %s report to %s: %s\n", renderer->name, where,
		        strerror(errno));
		return -1;
	}
	return 0;
}

static int render_target(const struct report *report, const struct target *target,
                         const struct render_options *options)
{
	FILE *out = stdout;
	int status;

	if (!target->file)
		return render_to(report, target->renderer, stdout, "standard output", options);
	out = fopen(target->file, "we");
	if (!out) {
		fprintf(stderr, "afterfork: cannot write the %s report to %s: %s\n", target->renderer->name,
		        target->file, strerror(errno));
		return -1;
	}
	status = render_to(report, target->renderer, out, target->file, options);
	if (fclose(out) && !status) {
		fprintf(stderr, "afterfork: cannot write the %s report to %s: %s\n", target->renderer->name,
		        target->file, strerror(errno));
		status = -1;
	}
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
