#include "render_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text_layout.h"

enum { INDENT = 2 };

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Collects one paragraph. */
struct paragraph {
	char *text;
	size_t size;
	FILE *out;
	const char *separator;
};

static bool paragraph_begin(struct paragraph *paragraph)
{
	*paragraph = (struct paragraph){.separator = ""};
	paragraph->out = open_memstream(&paragraph->text, &paragraph->size);
	return paragraph->out != NULL;
}

/* "3 forks", after a comma where something is there already. */
static void paragraph_add(struct paragraph *paragraph, uint64_t count, const char *singular,
                          const char *plural_form)
{
	fprintf(paragraph->out, "%s%" PRIu64 " %s", paragraph->separator, count,
	        count == 1 ? singular : plural_form);
	paragraph->separator = ", ";
}

static void paragraph_add_nonzero(struct paragraph *paragraph, uint64_t count, const char *singular,
                                  const char *plural_form)
{
	if (count)
		paragraph_add(paragraph, count, singular, plural_form);
}

static void paragraph_end(struct paragraph *paragraph, struct text_page *page, const char *label)
{
	fclose(paragraph->out);
	if (paragraph->size)
		render_text_paragraph(page, TEXT_PLAIN, INDENT, label, "%s", paragraph->text);
	free(paragraph->text);
}

static bool is_partial(const struct report *report)
{
	const struct report_summary *summary = &report->summary;
	for (size_t i = 0; i < report->notice_count; i++)
		if (!report->notices[i].is_advice)
			return true;
	return summary->images_unrecorded || summary->execs_uncovered || summary->dropped_records ||
	       summary->damaged_records || summary->lost_held;
}

/* The one line of a run without findings. A run that was not covered in full is never called clean. */
static void print_no_findings(struct text_page *page, const struct report *report)
{
	const struct report_summary *summary = &report->summary;
	FILE *out = page->out;
	render_text_style(page, is_partial(report) ? TEXT_LIKELY : TEXT_GOOD);
	fprintf(out, "afterfork: no hazards found");
	render_text_style(page, TEXT_PLAIN);
	if (summary->forks)
		fprintf(out, " in %" PRIu64 " fork%s of %" PRIu64 " process%s", summary->forks,
		        plural(summary->forks), summary->processes, summary->processes == 1 ? "" : "es");
	else if (summary->processes)
		fprintf(out, ": no fork was seen in %" PRIu64 " process%s", summary->processes,
		        summary->processes == 1 ? "" : "es");
	else
		fputs(" in the traces read, which do not tell how many forks they cover", out);
	if (summary->suppressed)
		fprintf(out, ", %" PRIu64 " suppressed", summary->suppressed);
	if (is_partial(report))
		fputs("; not everything was covered:", out);
	fputc('\n', out);
}

static void print_counts(struct text_page *page, const struct report *report)
{
	struct paragraph paragraph;
	if (!paragraph_begin(&paragraph))
		return;
	for (int verdict = VERDICT_COUNT - 1; verdict >= 0; verdict--)
		paragraph_add(&paragraph, report->summary.by_verdict[verdict],
		              verdict_name((enum verdict)verdict), verdict_name((enum verdict)verdict));
	paragraph_add_nonzero(&paragraph, report->summary.suppressed, "suppressed", "suppressed");
	paragraph_end(&paragraph, page, "findings:    ");
}

static void print_looked_at(struct text_page *page, const struct report *report)
{
	const struct report_summary *summary = &report->summary;
	struct paragraph paragraph;
	if (!summary->processes || !paragraph_begin(&paragraph))
		return;
	if (report->trace_count > 1)
		paragraph_add(&paragraph, report->trace_count, "run", "runs");
	paragraph_add(&paragraph, summary->processes, "process", "processes");
	paragraph_add(&paragraph, summary->threads, "thread", "threads");
	paragraph_add(&paragraph, summary->forks, "fork", "forks");
	if (page->verbose)
		paragraph_add(&paragraph, summary->images, "program image", "program images");
	paragraph_end(&paragraph, page, "looked at:   ");
}

static bool is_plain_word(const char *word)
{
	return *word &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%") ==
	           strlen(word);
}

static void print_word(FILE *out, const char *word)
{
	if (is_plain_word(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

static void print_command(FILE *out, const struct report *report)
{
	for (size_t i = 0; i < report->command_count; i++) {
		fputs(i ? " " : "", out);
		print_word(out, report->command[i]);
	}
	if (report->command_truncated)
		fputs(" ...", out);
}

static void print_run(struct text_page *page, const struct report *report)
{
	struct paragraph paragraph;
	char duration[TEXT_LAYOUT_DURATION_SIZE];
	if (!report->command_count || !paragraph_begin(&paragraph))
		return;
	print_command(paragraph.out, report);
	if (report->exit_known && report->exit_signal)
		fprintf(paragraph.out, "; ended by signal %d (%s)", report->exit_signal,
		        strsignal(report->exit_signal));
	else if (report->exit_known)
		fprintf(paragraph.out, "; exit code %d", report->exit_code);
	if (report->duration_known) {
		text_layout_duration(duration, report->duration_ns);
		fprintf(paragraph.out, "%s %s", report->exit_known ? " after" : "; ran", duration);
	}
	paragraph_end(&paragraph, page, "command:     ");
}

static void print_not_covered(struct text_page *page, const struct report_summary *summary)
{
	struct paragraph paragraph;
	if (!paragraph_begin(&paragraph))
		return;
	paragraph_add_nonzero(&paragraph, summary->execs_uncovered,
	                      "exec of a program that cannot load the library",
	                      "execs of programs that cannot load the library");
	paragraph_add_nonzero(&paragraph, summary->images_unrecorded, "process without a file to write to",
	                      "processes without a file to write to");
	paragraph_end(&paragraph, page, "not covered: ");
}

static void print_lost(struct text_page *page, const struct report_summary *summary)
{
	struct paragraph paragraph;
	if (!paragraph_begin(&paragraph))
		return;
	paragraph_add_nonzero(&paragraph, summary->dropped_records,
	                      "record dropped (trace full; see --trace-limit)",
	                      "records dropped (trace full; see --trace-limit)");
	paragraph_add_nonzero(&paragraph, summary->damaged_records, "record unfinished or damaged",
	                      "records unfinished or damaged");
	paragraph_add_nonzero(&paragraph, summary->lost_held,
	                      "acquisition beyond what a thread's record keeps",
	                      "acquisitions beyond what a thread's record keeps");
	paragraph_add_nonzero(&paragraph, summary->cut_stacks, "stack cut short", "stacks cut short");
	paragraph_end(&paragraph, page, "lost:        ");
}

static void print_notices(struct text_page *page, const struct report *report)
{
	for (size_t i = 0; i < report->notice_count; i++) {
		const struct report_notice *notice = &report->notices[i];
		if (notice->text && notice->count > 1)
			render_text_paragraph(page, TEXT_PLAIN, INDENT,
			                      "notice:      ", "%s (%" PRIu64 " times)", notice->text,
			                      notice->count);
		else if (notice->text)
			render_text_paragraph(page, TEXT_PLAIN, INDENT, "notice:      ", "%s", notice->text);
	}
	for (size_t i = 0; i < report->warnings.count; i++)
		render_text_paragraph(page, TEXT_PLAIN, INDENT, "warning:     ", "%s",
		                      report->warnings.items[i]);
}

void render_text_summary(struct text_page *page, const struct report *report)
{
	bool found = report->findings.count > 0;
	if (found) {
		render_text_style(page, TEXT_HEADING);
		fputs("summary", page->out);
		render_text_style(page, TEXT_PLAIN);
		fputc('\n', page->out);
		print_counts(page, report);
	} else {
		print_no_findings(page, report);
	}
	if (found || page->verbose) {
		print_looked_at(page, report);
		print_run(page, report);
	}
	print_not_covered(page, &report->summary);
	print_lost(page, &report->summary);
	print_notices(page, report);
}
