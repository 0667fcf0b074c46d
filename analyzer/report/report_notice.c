#include "report_notice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "model.h"
#include "symbolize.h"

static const struct {
	const char *kind;
	const char *format; /* one %s: the path */
	bool is_advice;
} texts[NOTICE_KIND_COUNT] = {
    [NOTICE_EXEC_WITHOUT_LIBRARY] =
        {.kind = "exec-without-library",
         .format = "%s was executed with an environment that lacks the library: tracing ended there"},
    [NOTICE_EXEC_STATIC] =
        {.kind = "exec-static",
         .format =
             "%s is statically linked and cannot load the library: it and its children are not covered"},
    [NOTICE_EXEC_PRIVILEGED] = {.kind = "exec-privileged",
                                .format = "%s runs with raised privileges (set-user-ID, set-group-ID or "
                                          "capabilities) and drops the library: it is not covered"},
    [NOTICE_EXEC_FOREIGN] = {.kind = "exec-foreign",
                             .format = "%s is made for another architecture or C library: it is not covered"},
    [NOTICE_EXEC_AS_STRANGER] = {.kind = "exec-as-stranger",
                                 .format = "%s was executed as a user who may not write to the trace folder: "
                                           "it and its children are not covered"},
    [NOTICE_UNRECORDED] = {.kind = "unrecorded",
                           .format =
                               "a process found no place for its records (%s): what it met is missing here"},
    [NOTICE_FORK_BEFORE_INIT] = {.kind = "fork-before-init",
                                 .format =
                                     "%s forked before the library was ready: that child is not covered"},
    [NOTICE_FORK_SKIPS_HANDLERS] = {.kind = "fork-skips-handlers",
                                    .format = "%s has fork handlers, and forked past them (by _Fork, clone "
                                              "or a raw system call): in that child no handler ran"},
    [NOTICE_VFORK_SKIPS_HANDLERS] = {.kind = "vfork-skips-handlers",
                                     .format =
                                         "%s has fork handlers, which vfork does not run: its child borrows "
                                         "the memory with all locks as they are, and may only exec or _exit",
                                     .is_advice = true},
    [NOTICE_ATFORK_REPEATED] = {.kind = "atfork-repeated",
                                .format = "the same fork handlers are registered again and again: "
                                          "%s",
                                .is_advice = true},
    [NOTICE_ATFORK_SLOW] = {.kind = "atfork-slow", .format = "a fork handler is slow: %s", .is_advice = true},
};

static struct report_notice *find(const struct report *report, const char *kind, const char *text)
{
	for (size_t i = 0; i < report->notice_count; i++)
		if (report->notices[i].kind == kind && strcmp(report->notices[i].text, text) == 0)
			return &report->notices[i];
	return NULL;
}

static const char *subject_of(const struct notice *notice)
{
	if (notice->kind == NOTICE_UNRECORDED)
		return notice->error ? strerror(notice->error) : "no room in the trace folder";
	return notice->path ? notice->path : "a program";
}

/* Takes over `text`. */
static int add_text(struct report *report, enum notice_kind kind, char *text, const char *path, pid_t pid)
{
	struct report_notice *known = find(report, texts[kind].kind, text), *notices;

	if (known) {
		known->count++;
		free(text);
		return 0;
	}
	notices = reallocarray(report->notices, report->notice_count + 1, sizeof *notices);
	if (!notices) {
		free(text);
		return -1;
	}
	report->notices = notices;
	notices[report->notice_count++] = (struct report_notice){.kind = texts[kind].kind,
	                                                         .text = text,
	                                                         .path = path,
	                                                         .pid = pid,
	                                                         .count = 1,
	                                                         .is_advice = texts[kind].is_advice};
	return 0;
}

static int add(struct report *report, const struct notice *notice)
{
	char *text;

	if (asprintf(&text, texts[notice->kind].format, subject_of(notice)) < 0)
		return -1;
	return add_text(report, notice->kind, text, notice->path, notice->pid);
}

/* The registrations of the same handlers by one process: a run of many programs has many others. */
struct same_handlers {
	struct handlers_key {
		const struct model_image *image;
		uint64_t pid, handlers[3];
	} key;
	const struct atfork_registration *first;
	size_t times;
	UT_hash_handle hh;
};

static struct handlers_key key_of(const struct atfork_registration *registration)
{
	const struct raw_frame *handlers = registration->handlers;

	return (struct handlers_key){.image = registration->image,
	                             .pid = (uint64_t)registration->pid,
	                             .handlers = {handlers[0].pc, handlers[1].pc, handlers[2].pc}};
}

static struct same_handlers *find_same(struct same_handlers *table,
                                       const struct atfork_registration *registration)
{
	const struct handlers_key key = key_of(registration);
	struct same_handlers *found;

	HASH_FIND(hh, table, &key, sizeof key, found);
	return found;
}

static bool count_registration(struct same_handlers **table, const struct atfork_registration *registration)
{
	struct same_handlers *same = find_same(*table, registration);

	if (!same) {
		same = calloc(1, sizeof *same);
		if (!same)
			return false;
		same->key = key_of(registration);
		same->first = registration;
		HASH_ADD(hh, *table, key, sizeof same->key, same);
	}
	same->times++;
	return true;
}

static void free_table(struct same_handlers *table)
{
	struct same_handlers *same, *next;

	HASH_ITER (hh, table, same, next) {
		HASH_DEL(table, same);
		free(same);
	}
}

static const struct raw_frame *first_handler(const struct atfork_registration *registration)
{
	for (size_t i = 0; i < 2; i++)
		if (registration->handlers[i].pc)
			return &registration->handlers[i];
	return &registration->handlers[2];
}

/* What is said of a handler: its name, and the module's, put before `rest`, which is taken over. */
static int add_of_handler(struct report *report, const struct atfork_registration *registration,
                          const struct raw_frame *handler, enum notice_kind kind, char *rest)
{
	const char *module = handler->module ? frame_module_base_name(handler->module->path) : "unknown code";
	struct frame *frames = NULL;
	size_t count = 0;
	char *subject, *text;
	int made = -1;

	if (rest && symbolize_frames(report->symbolizer, handler, 1, &frames, &count) == 0)
		made = count && frames[count - 1].function
		           ? asprintf(&subject, "%s() of %s %s", frames[count - 1].function, module, rest)
		           : asprintf(&subject, "%s+0x%" PRIx64 " %s", module, handler->offset, rest);
	free(frames);
	free(rest);
	if (made < 0)
		return -1;
	made = asprintf(&text, texts[kind].format, subject);
	free(subject);
	return made < 0 ? -1 : add_text(report, kind, text, NULL, registration->pid);
}

static int add_repeated(struct report *report, const struct atfork_registration *registration, size_t times)
{
	char *rest;

	if (asprintf(&rest, "and its fellows, %zu times", times) < 0)
		return -1;
	return add_of_handler(report, registration, first_handler(registration), NOTICE_ATFORK_REPEATED,
	                      rest);
}

static int add_slow(struct report *report, const struct atfork_registration *registration)
{
	static const char *const places[] = {"before a fork", "in the parent", "in the child"};
	enum { NS_PER_MS = 1000000 };
	char *rest;

	if (registration->longest_of >= 3 || !registration->handlers[registration->longest_of].pc)
		return 0;
	if (asprintf(&rest, "ran for %" PRIu64 " ms %s", registration->longest_ns / NS_PER_MS,
	             places[registration->longest_of]) < 0)
		return -1;
	return add_of_handler(report, registration, &registration->handlers[registration->longest_of],
	                      NOTICE_ATFORK_SLOW, rest);
}

/* Each fork runs them as often: it becomes slow, and a lock that one takes the next one waits for. */
static int add_handlers(struct report *report)
{
	enum { REPEATED_TIMES = 4 };
	size_t count;
	const struct atfork_registration *all = model_atfork(report->model, &count);
	struct same_handlers *table = NULL;
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = count_registration(&table, &all[i]) ? 0 : -1;
	for (size_t i = 0; i < count && !error; i++) {
		const struct same_handlers *same = find_same(table, &all[i]);

		if (same->first == &all[i] && same->times >= REPEATED_TIMES)
			error = add_repeated(report, &all[i], same->times);
		if (!error && all[i].longest_ns)
			error = add_slow(report, &all[i]);
	}
	free_table(table);
	return error;
}

int report_notice_add_all(struct report *report)
{
	size_t count;
	const struct notice *notices = model_notices(report->model, &count);

	for (size_t i = 0; i < count; i++)
		if (notices[i].kind != NOTICE_UNKNOWN && add(report, &notices[i]))
			return -1;
	return add_handlers(report);
}
