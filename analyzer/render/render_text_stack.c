#include "render_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render_stack.h"
#include "source_lines.h"
#include "text_layout.h"

/* One frame, ready to print. */
struct line {
	const struct frame *frame;
	char *function; /* clean and folded */
	char *place;    /* clean */
	size_t function_columns, place_columns;
};

enum { GAP = 2 };

static char *print_to_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *print_to_text(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}

static char *clean_and_free(char *text)
{
	char *clean = text ? text_layout_clean(text) : NULL;
	free(text);
	return clean;
}

static char *function_text(const struct frame *frame, size_t columns)
{
	if (!frame->function)
		return print_to_text("<0x%" PRIx64 ">", frame->pc);
	char *clean = text_layout_clean(frame->function);
	char *folded = clean ? text_layout_fold_name(clean, columns) : NULL;
	free(clean);
	return folded;
}

static char *place_text(const struct text_page *page, const struct frame *frame)
{
	const char *mark = frame->inlined ? " (inlined)" : "";
	if (frame->file) {
		char *path = text_layout_short_path(frame->file, page->folder);
		char *text = NULL;
		if (path && frame->line)
			text = print_to_text("%s:%u%s", path, frame->line, mark);
		else if (path)
			text = print_to_text("%s%s", path, mark);
		free(path);
		return clean_and_free(text);
	}
	if (frame->module && *frame->module)
		return clean_and_free(print_to_text(
		    "%s+0x%" PRIx64 "%s", frame_module_base_name(frame->module), frame->offset, mark));
	return print_to_text("%s", frame->function ? "" : "in no known file");
}

static bool line_prepare(const struct text_page *page, struct line *line, const struct frame *frame,
                         size_t columns)
{
	line->frame = frame;
	line->function = function_text(frame, columns);
	line->place = place_text(page, frame);
	if (!line->function || !line->place)
		return false;
	line->function_columns = text_layout_columns(line->function);
	line->place_columns = text_layout_columns(line->place);
	return true;
}

static void lines_free(struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(lines[i].function);
		free(lines[i].place);
	}
	free(lines);
}

static bool fits(const struct line *line, size_t columns)
{
	return line->function_columns + GAP + line->place_columns <= columns;
}

/* The column at which places start: right of every function that leaves room for all places there. */
static size_t place_column(const struct line *lines, size_t count, size_t columns)
{
	size_t widest_place = 0, widest_function = 0;
	for (size_t i = 0; i < count; i++)
		if (fits(&lines[i], columns) && lines[i].place_columns > widest_place)
			widest_place = lines[i].place_columns;
	for (size_t i = 0; i < count; i++)
		if (lines[i].function_columns + GAP + widest_place <= columns &&
		    lines[i].function_columns > widest_function)
			widest_function = lines[i].function_columns;
	return widest_function;
}

static void print_line(struct text_page *page, const struct line *line, size_t number, size_t indent,
                       size_t number_columns, size_t column, size_t columns)
{
	FILE *out = page->out;
	size_t gap = line->function_columns < column ? column - line->function_columns + GAP : GAP;
	if (line->function_columns + gap + line->place_columns > columns)
		gap = GAP;
	fprintf(out, "%*s", (int)indent, "");
	render_text_style(page, TEXT_DIM);
	fprintf(out, "#%-*zu ", (int)number_columns, number);
	render_text_style(page, TEXT_PLAIN);
	fputs(line->function, out);
	if (line->place_columns == 0) {
		fputc('\n', out);
		return;
	}
	if (fits(line, columns))
		fprintf(out, "%*s", (int)gap, "");
	else
		fprintf(out, "\n%*s", (int)(indent + number_columns + 2 + 4), "");
	render_text_style(page, TEXT_DIM);
	fprintf(out, "%s%s", fits(line, columns) ? "" : "at ", line->place);
	render_text_style(page, TEXT_PLAIN);
	fputc('\n', out);
}

static bool print_excerpt(struct text_page *page, const struct frame *frame, size_t indent)
{
	if (!frame->file || !frame->line || render_stack_is_library(frame))
		return false;
	char *source = clean_and_free(source_lines_read(frame->file, frame->line, page->run_started_ns));
	if (!source)
		return false;
	char *head = print_to_text("> %u | ", frame->line);
	size_t room = page->width > indent + 40 ? page->width - indent : 40;
	if (head) {
		size_t length = strlen(head), columns = text_layout_columns(source);
		bool is_long = length + columns > room;
		fprintf(page->out, "%*s", (int)indent, "");
		render_text_style(page, TEXT_SOURCE);
		/* Cut at a character, not in it. */
		size_t bytes = 0, left = is_long ? room - length - 3 : columns;
		while (source[bytes] && (left > 0 || ((unsigned char)source[bytes] & 0xc0) == 0x80))
			left -= ((unsigned char)source[bytes++] & 0xc0) != 0x80;
		fprintf(page->out, "%s%.*s%s", head, (int)bytes, source, is_long ? "..." : "");
		render_text_style(page, TEXT_PLAIN);
		fputc('\n', page->out);
	}
	free(head);
	free(source);
	return true;
}

static void print_remark(struct text_page *page, size_t indent, const char *text)
{
	render_text_paragraph(page, TEXT_DIM, indent, "", "%s", text);
}

static void print_end(struct text_page *page, const struct frame_stack *stack, size_t indent,
                      bool is_complete)
{
	if (is_complete)
		return;
	if (stack->cut)
		print_remark(page, indent, "(cut: the callers of this frame could not be found)");
	else if (stack->truncated)
		print_remark(page, indent, "(cut: more frames than a trace keeps)");
}

static void print_left_out(struct text_page *page, size_t indent, size_t left_out)
{
	char text[64];
	snprintf(text, sizeof(text), "(%zu more; %s prints them)", left_out,
	         page->stack_limit ? "--stack-limit=0" : "-v");
	print_remark(page, indent, text);
}

static const struct frame **all_frames(const struct frame_stack *stack, size_t *ret_count)
{
	const struct frame **frames = calloc(stack->count + 1, sizeof(*frames));
	size_t count = 0;
	for (size_t i = 0; frames && i < stack->count; i++)
		if (!render_stack_is_own(&stack->frames[i]))
			frames[count++] = &stack->frames[i];
	*ret_count = count;
	return frames;
}

static struct line *prepare_lines(const struct text_page *page, const struct frame *const *frames,
                                  size_t count, size_t columns)
{
	struct line *lines = calloc(count, sizeof(*lines));
	for (size_t i = 0; lines && i < count; i++) {
		if (line_prepare(page, &lines[i], frames[i], columns))
			continue;
		lines_free(lines, count);
		return NULL;
	}
	return lines;
}

static void print_lines(struct text_page *page, const struct line *lines, size_t count, size_t indent,
                        size_t number_columns)
{
	size_t taken = indent + number_columns + 2;
	size_t columns = page->width - taken;
	size_t column = place_column(lines, count, columns);
	bool has_excerpt = false;
	for (size_t i = 0; i < count; i++) {
		print_line(page, &lines[i], i, indent, number_columns, column, columns);
		if (!has_excerpt)
			has_excerpt = print_excerpt(page, lines[i].frame, taken + 2);
	}
}

void render_text_stack(struct text_page *page, const struct frame_stack *stack, size_t indent, size_t limit)
{
	size_t count = 0;
	bool is_complete = false;
	const struct frame **frames =
	    page->verbose ? all_frames(stack, &count) : render_stack_brief(stack, &count, &is_complete);
	size_t shown = limit && count > limit ? limit : count;
	size_t number_columns = shown > 10 ? 2 : 1;
	struct line *lines = NULL;
	if (frames && count == 0)
		print_remark(page, indent, "(no stack was kept)");
	else if (frames)
		lines = prepare_lines(page, frames, shown, page->width - indent - number_columns - 2);
	if (lines) {
		print_lines(page, lines, shown, indent, number_columns);
		if (shown < count)
			print_left_out(page, indent, count - shown);
		else
			print_end(page, stack, indent, is_complete);
		lines_free(lines, shown);
	} else if (!frames || count) {
		page->failed = true;
	}
	free(frames);
}
