#include "report_notice.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"

static const struct {
	const char *kind;
	const char *format; /* one %s: the path */
} texts[NOTICE_KIND_COUNT] = {
    [NOTICE_EXEC_WITHOUT_LIBRARY] = {"exec-without-library",
                                     "%s was executed with an environment that lacks the library: tracing "
                                     "ended there"},
    [NOTICE_EXEC_STATIC] = {"exec-static", "%s is statically linked and cannot load the library: it and its "
                                           "children are not covered"},
    [NOTICE_EXEC_PRIVILEGED] = {"exec-privileged",
                                "%s runs with raised privileges (set-user-ID, set-group-ID or "
                                "capabilities) and drops the library: it is not covered"},
    [NOTICE_EXEC_FOREIGN] = {"exec-foreign", "%s is made for another architecture or C library: it is not "
                                             "covered"},
    [NOTICE_UNRECORDED] = {"unrecorded",
                           "a process found no place for its records (%s): what it met is missing "
                           "here"},
    [NOTICE_FORK_BEFORE_INIT] = {"fork-before-init", "%s forked before the library was ready: that child is "
                                                     "not covered"},
    [NOTICE_FORK_SKIPS_HANDLERS] = {"fork-skips-handlers",
                                    "%s has fork handlers, and forked past them (by _Fork, clone or a raw "
                                    "system call): in that child no handler ran"},
    [NOTICE_ATFORK_REPEATED] = {"atfork-repeated", "the same fork handlers are registered again and again: "
                                                   "%s"},
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

static int add(struct report *report, const struct notice *notice)
{
	const char *kind = texts[notice->kind].kind;
	struct report_notice *known, *notices;
	char *text;

	if (asprintf(&text, texts[notice->kind].format, subject_of(notice)) < 0)
		return -1;
	known = find(report, kind, text);
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
	notices[report->notice_count++] = (struct report_notice){
	    .kind = kind, .text = text, .path = notice->path, .pid = notice->pid, .count = 1};
	return 0;
}

int report_notice_add_all(struct report *report)
{
	size_t count;
	const struct notice *notices = model_notices(report->model, &count);

	for (size_t i = 0; i < count; i++)
		if (notices[i].kind != NOTICE_UNKNOWN && add(report, &notices[i]))
			return -1;
	return 0;
}
