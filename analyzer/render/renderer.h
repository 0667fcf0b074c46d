/* A report format. One render_<name>.c ends in one `const struct renderer render_<name>` and has one row
 * in renderers.def. */
#ifndef AFTERFORK_RENDERER_H
#define AFTERFORK_RENDERER_H

#include <stdbool.h>
#include <stdio.h>

struct report;

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct render_options {
	enum color_mode color_mode; /* as asked for; renderers read `color` */
	bool color;                 /* decided for this output: a terminal, or asked for */
	unsigned width_columns;     /* 0: the renderer's own default */
	unsigned stack_limit;       /* frames printed of each stack; 0: all */
	bool verbose;               /* everything known, also what a reader rarely needs */
	bool quiet;                 /* findings only */
};

struct renderer {
	const char *name;    /* as in --format */
	const char *summary; /* one line for --help */
	/* Called once for each output, after the report is complete. Writes to `out` only; the caller flushes
	 * and checks it. 0, or -1 when it ran out of memory. */
	int (*render)(const struct report *report, FILE *out, const struct render_options *options);
};

#endif
