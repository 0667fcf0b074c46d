/* The pieces of the text report. Internal to render_text*.c. */
#ifndef AFTERFORK_ANALYZER_RENDER_TEXT_H
#define AFTERFORK_ANALYZER_RENDER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report.h"

/* Where a report is printed. `failed` is set when memory ran out: something is missing then. */
struct text_page {
	FILE *out;
	size_t width;       /* columns */
	size_t prose_width; /* lines of prose stay readable on wide terminals */
	bool color, verbose, failed;
	size_t stack_limit;      /* frames of a stack; 0: all */
	const char *folder;      /* paths below it are printed relative; NULL: none */
	uint64_t run_started_ns; /* realtime; sources that are newer are not quoted; 0: not known */
};

enum text_style {
	TEXT_PLAIN,
	TEXT_HEADING,
	TEXT_DIM,
	TEXT_SOURCE,
	TEXT_CERTAIN,
	TEXT_LIKELY,
	TEXT_POSSIBLE,
	TEXT_NOTE,
	TEXT_GOOD,
};
/* Switches the style on; TEXT_PLAIN ends it. Nothing without colour. */
void render_text_style(struct text_page *page, enum text_style style);
enum text_style render_text_verdict_style(enum verdict verdict);

/* A paragraph: cleaned, wrapped, with a newline. The first line starts with `label` at `indent` columns, all
 * text stands at `indent` plus the label's length. */
void render_text_paragraph(struct text_page *page, enum text_style style, size_t indent, const char *label,
                           const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A stack, a line a frame. limit 0: all frames, else the innermost ones and how many are left out. */
void render_text_stack(struct text_page *page, const struct frame_stack *stack, size_t indent, size_t limit);

void render_text_finding(struct text_page *page, const struct finding *finding, size_t number, size_t count);
void render_text_summary(struct text_page *page, const struct report *report);

#endif
