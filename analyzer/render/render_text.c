#include "render_text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text_layout.h"

enum { WIDTH_DEFAULT = 100, WIDTH_MIN = 60, PROSE_WIDTH_MAX = 100 };

void render_text_style(struct text_page *page, enum text_style style)
{
	static const char *const codes[] = {
	    [TEXT_PLAIN] = "0",       [TEXT_HEADING] = "1",    [TEXT_DIM] = "2",
	    [TEXT_SOURCE] = "32",     [TEXT_CERTAIN] = "1;31", [TEXT_LIKELY] = "1;33",
	    [TEXT_POSSIBLE] = "1;36", [TEXT_NOTE] = "1",       [TEXT_GOOD] = "1;32",
	};
	if (page->color)
		fprintf(page->out, "\033[%sm", codes[style]);
}

enum text_style render_text_verdict_style(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_CERTAIN:
		return TEXT_CERTAIN;
	case VERDICT_LIKELY:
		return TEXT_LIKELY;
	case VERDICT_POSSIBLE:
		return TEXT_POSSIBLE;
	default:
		return TEXT_NOTE;
	}
}

void render_text_paragraph(struct text_page *page, enum text_style style, size_t indent, const char *label,
                           const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	char *clean = length >= 0 ? text_layout_clean(text) : NULL;
	size_t start = indent + strlen(label);
	if (clean) {
		if (style != TEXT_PLAIN)
			render_text_style(page, style);
		fprintf(page->out, "%*s%s", (int)indent, "", label);
		text_layout_wrap(page->out, clean, start, start, page->prose_width);
		if (style != TEXT_PLAIN)
			render_text_style(page, TEXT_PLAIN);
		fputc('\n', page->out);
	} else {
		page->failed = true;
	}
	free(clean);
	if (length >= 0)
		free(text);
}

static size_t choose_width(FILE *out, const struct render_options *options)
{
	struct winsize size;
	size_t width = options->width_columns;
	if (!width && isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (!width)
		width = WIDTH_DEFAULT;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

static uint64_t claims_count(const struct report_summary *summary)
{
	return summary->by_verdict[VERDICT_CERTAIN] + summary->by_verdict[VERDICT_LIKELY] +
	       summary->by_verdict[VERDICT_POSSIBLE];
}

static enum verdict worst_verdict(const struct report_summary *summary)
{
	for (int verdict = VERDICT_COUNT - 1; verdict > VERDICT_NOTE; verdict--)
		if (summary->by_verdict[verdict])
			return (enum verdict)verdict;
	return VERDICT_NOTE;
}

/* The answer, in the first line. */
static void print_answer(struct text_page *page, const struct report *report)
{
	const struct report_summary *summary = &report->summary;
	enum verdict worst = worst_verdict(summary);
	uint64_t claims = claims_count(summary), notes = summary->by_verdict[VERDICT_NOTE];
	const char *separator = "";
	render_text_style(page, claims ? render_text_verdict_style(worst) : TEXT_HEADING);
	fputs("afterfork: ", page->out);
	for (int verdict = VERDICT_COUNT - 1; verdict > VERDICT_NOTE; verdict--) {
		if (!summary->by_verdict[verdict])
			continue;
		fprintf(page->out, "%s%" PRIu64 " %s", separator, summary->by_verdict[verdict],
		        verdict_name((enum verdict)verdict));
		separator = ", ";
	}
	if (claims)
		fprintf(page->out, " fork hazard%s", claims == 1 ? "" : "s");
	else
		fputs("no fork hazard", page->out);
	if (notes)
		fprintf(page->out, ", %" PRIu64 " note%s", notes, notes == 1 ? "" : "s");
	render_text_style(page, TEXT_PLAIN);
	fputs("\n\n", page->out);
}

static int render(const struct report *report, FILE *out, const struct render_options *options)
{
	char folder[PATH_MAX];
	struct text_page page = {
	    .out = out,
	    .width = choose_width(out, options),
	    .color = options->color,
	    .verbose = options->verbose,
	    .stack_limit = options->stack_limit,
	    .folder = getcwd(folder, sizeof(folder)),
	    .run_started_ns = report->started_realtime_ns,
	};
	page.prose_width = page.width < PROSE_WIDTH_MAX ? page.width : PROSE_WIDTH_MAX;
	if (report->findings.count)
		print_answer(&page, report);
	for (size_t i = 0; i < report->findings.count; i++)
		render_text_finding(&page, report->findings.items[i], i + 1, report->findings.count);
	if (!options->quiet)
		render_text_summary(&page, report);
	return page.failed ? -1 : 0;
}

const struct renderer render_text = {
    .name = "text",
    .summary = "for people: the story of each hazard, with stacks and source lines",
    .render = render,
};
