#include "render_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render_stack.h"
#include "text_layout.h"

enum {
	TEXT_INDENT = 2,
	STORY_INDENT = 5,         /* below "  1. " */
	SIDE_FRAMES = 3,          /* of stacks that are beside the story */
	BLOCKED_MIN_NS = 1000000, /* shorter is no waiting */
	SENTENCE_LINES = 5,       /* with names of C++ that take more, those are folded */
};

static size_t story_limit(const struct text_page *page)
{
	return page->verbose ? 0 : page->stack_limit;
}

static size_t side_limit(const struct text_page *page)
{
	if (page->verbose)
		return 0;
	return page->stack_limit && page->stack_limit < SIDE_FRAMES ? page->stack_limit : SIDE_FRAMES;
}

static void print_heading(struct text_page *page, const struct finding *finding, size_t number, size_t count)
{
	char place[48], verdict[16];
	snprintf(place, sizeof(place), " %zu of %zu ", number, count);
	snprintf(verdict, sizeof(verdict), "%s", verdict_name(finding->verdict));
	for (char *at = verdict; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	size_t left = page->prose_width > strlen(place) + 4 ? page->prose_width - strlen(place) - 4 : 0;
	render_text_style(page, TEXT_DIM);
	fprintf(page->out, "----%s", place);
	for (size_t i = 0; i < left; i++)
		fputc('-', page->out);
	render_text_style(page, TEXT_PLAIN);
	fputs("\n\n", page->out);
	render_text_style(page, render_text_verdict_style(finding->verdict));
	fputs(verdict, page->out);
	render_text_style(page, TEXT_PLAIN);
	fprintf(page->out, "  %s\n", finding->rule_name);
}

/* `end` stands behind the sentence. */
static void print_sentence(struct text_page *page, enum text_style style, const char *label,
                           const char *sentence, const char *end)
{
	char *folded = text_layout_fold_sentence(sentence, SENTENCE_LINES * page->prose_width);
	if (folded)
		render_text_paragraph(page, style, TEXT_INDENT, label, "%s%s", folded, end);
	else
		page->failed = true;
	free(folded);
}

/* One step of the story: its sentence is written by `tell`, its stack follows. */
typedef void tell_function(FILE *out, const struct finding *finding);

static void print_step(struct text_page *page, unsigned *number, tell_function *tell,
                       const struct finding *finding, const struct frame_stack *stack)
{
	char label[16], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out) {
		page->failed = true;
		return;
	}
	tell(out, finding);
	fclose(out);
	snprintf(label, sizeof(label), "%u. ", ++*number);
	fputc('\n', page->out);
	print_sentence(page, TEXT_HEADING, label, text, "");
	render_text_stack(page, stack, STORY_INDENT, story_limit(page));
	free(text);
}

static void print_thread(FILE *out, pid_t tid, const char *name)
{
	if (tid)
		fprintf(out, "thread %d", (int)tid);
	else
		fputs("a thread", out);
	if (name)
		fprintf(out, " \"%s\"", name);
}

static void tell_start_routine(FILE *out, const char *start_routine)
{
	if (frame_is_std_thread_start(start_routine))
		fputs(" (a std::thread)", out);
	else
		fprintf(out, " (runs %s)", start_routine);
}

/* What is waited for has no holder, but threads that used to end such waits, or that wait themselves. */
static const char *holder_heading(const struct finding *finding)
{
	if (finding->lock.kind && !strcmp(finding->lock.kind, "thread"))
		return "Who is waited for: ";
	if (strcmp(finding->rule_name, "waker-vanished"))
		return "Who took it: ";
	if (finding->observed_name && !strcmp(finding->observed_name, "stuck-on-vanished"))
		return "Who was waiting: ";
	if (finding->victim.call && strstr(finding->victim.call, "_destroy"))
		return "Who was waiting: ";
	if (finding->observed_name && !strcmp(finding->observed_name, "waits-for-work"))
		return "Who was to do the work: ";
	return "Who used to wake it: ";
}

/* The holder is a thread of the parent, since it did not come along. */
static void tell_holder(FILE *out, const struct finding *finding)
{
	fputs(holder_heading(finding), out);
	print_thread(out, finding->holder.tid, finding->holder.name);
	if (finding->fork.pid)
		fprintf(out, " of process %d", (int)finding->fork.pid);
	if (finding->holder.start_routine)
		tell_start_routine(out, finding->holder.start_routine);
	if (finding->holder.acquire_call)
		fprintf(out, ", by %s", finding->holder.acquire_call);
}

static void tell_fork(FILE *out, const struct finding *finding)
{
	unsigned vanished = finding->fork.vanished_threads;
	fputs("Who forked: ", out);
	print_thread(out, finding->fork.tid, NULL);
	if (finding->fork.pid)
		fprintf(out, " of process %d", (int)finding->fork.pid);
	if (finding->fork.call)
		fprintf(out, ", by %s", finding->fork.call);
	else
		fputs(" (the call was not seen)", out);
	if (vanished)
		fprintf(out, "; %u other thread%s not exist in the child", vanished,
		        vanished == 1 ? " does" : "s do");
}

static bool is_loop(const struct finding *finding)
{
	return (finding->lock.kind && !strcmp(finding->lock.kind, "spinlock")) ||
	       (finding->observed_name && !strcmp(finding->observed_name, "spins"));
}

static void tell_wait(FILE *out, const struct finding *finding)
{
	char duration[TEXT_LAYOUT_DURATION_SIZE];
	const char *call = finding->victim.call;
	bool is_over = finding->pending_count == 0;
	text_layout_duration(duration, finding->victim.blocked_ns);
	if (call)
		fprintf(out, ", in %s", call);
	if (finding->victim.blocked_known && finding->victim.blocked_ns >= BLOCKED_MIN_NS)
		fprintf(out,
		        is_over                           ? ", which took %s"
		        : finding->victim.was_interrupted ? ", blocked for %s until a signal came"
		        : is_loop(finding)                ? ", in a loop for %s when the trace ended"
		                                          : ", blocked for %s when the trace ended",
		        duration);
	else if (!is_over)
		fputs(", which did not return", out);
}

/* The first thread of a process is the process, to most people. */
static void tell_victim(FILE *out, const struct finding *finding)
{
	bool is_first = finding->process.pid && finding->victim.tid == finding->process.pid;
	fputs(finding->pending_count ? "Who is stuck: " : "Who met it: ", out);
	if (!is_first)
		print_thread(out, finding->victim.tid, finding->victim.name);
	if (finding->process.pid)
		fprintf(out, "%sprocess %d", is_first ? "" : " of ", (int)finding->process.pid);
	if (finding->process.exe)
		fprintf(out, " (%s)", frame_module_base_name(finding->process.exe));
	if (finding->process.ppid)
		fprintf(out, ", child of %d", (int)finding->process.ppid);
	tell_wait(out, finding);
}

static bool has_holder(const struct finding *finding)
{
	return finding->holder.tid || finding->holder.acquired_at.count || finding->holder.acquire_call;
}

static bool has_fork(const struct finding *finding)
{
	return finding->fork.pid || finding->fork.tid || finding->fork.call || finding->fork.stack.count;
}

static void print_side_stack(struct text_page *page, const char *sentence, const struct frame_stack *stack)
{
	if (render_stack_count(stack) == 0)
		return;
	fputc('\n', page->out);
	render_text_paragraph(page, TEXT_PLAIN, STORY_INDENT, "", "%s", sentence);
	render_text_stack(page, stack, STORY_INDENT, side_limit(page));
}

static void tell_doing(FILE *out, const struct finding_vanished *vanished)
{
	const struct finding_thread *thread = &vanished->thread;

	print_thread(out, thread->tid, thread->name);
	if (thread->start_routine)
		tell_start_routine(out, thread->start_routine);
	if (!vanished->doing)
		return;
	bool holds = strcmp(vanished->doing, "holds") == 0;
	fprintf(out, holds ? ", which held another lock, taken by %s at:" : ", in %s, called at:",
	        thread->acquire_call ? thread->acquire_call : "a call");
}

/* Nobody is known to be the holder: these are all that can be. */
static void print_vanished(struct text_page *page, const struct finding *finding)
{
	for (size_t i = 0; i < finding->vanished_count; i++) {
		const struct finding_vanished *vanished = &finding->vanished[i];
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);
		if (!out) {
			page->failed = true;
			return;
		}
		tell_doing(out, vanished);
		fclose(out);
		fputc('\n', page->out);
		render_text_paragraph(page, TEXT_PLAIN, STORY_INDENT, "", "Who vanished: %s", text);
		if (vanished->doing)
			render_text_stack(page, &vanished->thread.acquired_at, STORY_INDENT,
			                  side_limit(page));
		free(text);
	}
}

static void tell_waiting_threads(FILE *out, unsigned count)
{
	if (count)
		fprintf(out, ", on which %u thread%s that vanished had waited", count, count == 1 ? "" : "s");
	else
		fputs(", on which only threads that vanished had ever waited", out);
}

static void tell_handover(FILE *out, const struct finding *finding)
{
	const struct finding_handover *handover = &finding->handover;
	fprintf(out, "Where the work was handed over: ");
	print_thread(out, handover->tid, NULL);
	fprintf(out, ", by %s on %s", handover->call, handover->kind ? handover->kind : "an object");
	if (handover->name)
		fprintf(out, " %s", handover->name);
	tell_waiting_threads(out, handover->waiting_threads);
	if (handover->count > 1)
		fprintf(out, " (the last of %u times)", handover->count);
}

static void print_story(struct text_page *page, const struct finding *finding)
{
	unsigned number = 0;
	if (has_holder(finding)) {
		print_step(page, &number, tell_holder, finding, &finding->holder.acquired_at);
		print_side_stack(page, "This thread was created at:", &finding->holder.created_at);
	}
	if (has_fork(finding))
		print_step(page, &number, tell_fork, finding, &finding->fork.stack);
	print_vanished(page, finding);
	if (finding->handover.call)
		print_step(page, &number, tell_handover, finding, &finding->handover.stack);
	print_step(page, &number, tell_victim, finding, &finding->victim.stack);
}

static void print_lock_facts(FILE *out, const struct finding *finding)
{
	const char *kind = finding->lock.kind;
	if (finding->lock.name)
		fprintf(out, "%s, ", finding->lock.name);
	if (finding->lock.type)
		fprintf(out, "%s ", finding->lock.type);
	fputs(kind, out);
	if (finding->lock.address_known)
		fprintf(out, " at 0x%" PRIx64, finding->lock.address);
	if (finding->lock.module)
		fprintf(out, " in %s", frame_module_base_name(finding->lock.module));
	if (finding->lock.module && !finding->lock.name)
		fprintf(out, "+0x%" PRIx64, finding->lock.module_offset);
	if (finding->lock.robust)
		fputs(", robust", out);
	if (finding->lock.process_shared)
		fputs(", process-shared", out);
	if (finding->lock.prio_inherit)
		fputs(", priority-inheriting", out);
}

static void print_lock(struct text_page *page, const struct finding *finding)
{
	char *text = NULL;
	size_t size = 0;
	bool has_stack = render_stack_count(&finding->lock.initialised_at) > 0;
	FILE *out = finding->lock.kind ? open_memstream(&text, &size) : NULL;
	if (!out)
		return;
	print_lock_facts(out, finding);
	if (has_stack)
		fputs(", initialised at:", out);
	fclose(out);
	fputc('\n', page->out);
	print_sentence(page, TEXT_PLAIN, "the lock:    ", text, "");
	if (has_stack)
		render_text_stack(page, &finding->lock.initialised_at, STORY_INDENT, side_limit(page));
	free(text);
}

static void print_repeats(struct text_page *page, const struct finding *finding)
{
	if (finding->count <= 1)
		return;
	fputc('\n', page->out);
	if (finding->pending_count)
		render_text_paragraph(page, TEXT_PLAIN, TEXT_INDENT, "how often:   ",
		                      "%" PRIu64 " times, %" PRIu64
		                      " of them not over when the trace ended; told above is the first",
		                      finding->count, finding->pending_count);
	else
		render_text_paragraph(page, TEXT_PLAIN, TEXT_INDENT,
		                      "how often:   ", "%" PRIu64 " times; told above is the first",
		                      finding->count);
}

/* What a suppression can name: the lock, or the function where the victim was. */
static char *suppression_glob(const struct finding *finding)
{
	const struct frame *frame = render_stack_user_frame(&finding->victim.stack);
	if (finding->lock.name)
		return text_layout_name_glob(finding->lock.name);
	return frame ? text_layout_name_glob(frame->function) : NULL;
}

/* The line to copy stands alone. */
static void print_suppression(struct text_page *page, const char *rule_name, const char *glob)
{
	static const char label[] = "to hide it:  ";
	render_text_paragraph(page, TEXT_DIM, TEXT_INDENT, label, "give --suppressions a file with the line");
	render_text_paragraph(page, TEXT_DIM, TEXT_INDENT + strlen(label), "", "%s:%s", rule_name, glob);
}

static void print_handles(struct text_page *page, const struct finding *finding)
{
	char *glob = suppression_glob(finding);
	fputc('\n', page->out);
	render_text_paragraph(page, TEXT_DIM, TEXT_INDENT, "fingerprint: ", "%s", finding->fingerprint);
	if (glob)
		print_suppression(page, finding->rule_name, glob);
	fputc('\n', page->out);
	free(glob);
}

void render_text_finding(struct text_page *page, const struct finding *finding, size_t number, size_t count)
{
	print_heading(page, finding, number, count);
	if (finding->message)
		print_sentence(page, TEXT_PLAIN, "", finding->message, ".");
	print_story(page, finding);
	print_lock(page, finding);
	print_repeats(page, finding);
	if (finding->advice) {
		fputc('\n', page->out);
		render_text_paragraph(page, TEXT_PLAIN, TEXT_INDENT, "what to do:  ", "%s", finding->advice);
	}
	print_handles(page, finding);
}
