/* Who registered fork handlers, as it comes to the trace. */
#include <criterion/criterion.h>
#include <string.h>

#include "atfork_registry.h"
#include "core_fixture.h"
#include "trace_writer.h"

enum { OTHER = 100001 };

static struct thread_record *self;

static void start(void)
{
	self = core_start();
}

TestSuite(atfork_registry, .init = start);

static void before(void) {}
static void in_child(void) {}

static void add(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	const struct call_registers regs = core_registers();

	atfork_registry_add(self, prepare, parent, child, &regs);
}

/* The registrations in the image's file; the last in *ret_last. */
static unsigned count_written(const struct trace_atfork **ret_last)
{
	const struct trace_record *record;
	uint64_t position = 0;
	unsigned count = 0;

	while ((record = trace_writer_next(&trace_writer_image()->file, &position))) {
		if (record->type != TRACE_RECORD_ATFORK)
			continue;
		*ret_last = (const struct trace_atfork *)record;
		count++;
	}
	return count;
}

static const struct trace_frame *frames_of(const struct trace_atfork *record)
{
	return (const struct trace_frame *)((const char *)record + record->tables.frames_offset);
}

Test(atfork_registry, writes_what_came_before_the_file_once_there_is_one)
{
	const struct trace_atfork *record = NULL;

	add(before, NULL, in_child);
	cr_assert_null(trace_writer_image());
	trace_writer_open_image();
	cr_assert_eq(count_written(&record), 1);
	cr_assert_eq(record->handler_mask, 5);
	cr_assert_eq(record->handlers.count, 3);
	const struct trace_frame *handlers = frames_of(record) + record->handlers.first;
	cr_assert_eq(handlers[0].pc, (uint64_t)(uintptr_t)before);
	cr_assert_eq(handlers[1].pc, 0);
	cr_assert_eq(handlers[2].pc, (uint64_t)(uintptr_t)in_child);
	cr_assert_gt(record->registered_at.count, 1);
}

Test(atfork_registry, writes_a_later_one_at_once_and_none_twice)
{
	const struct trace_atfork *record = NULL;

	add(before, NULL, NULL);
	trace_writer_open_image();
	add(NULL, NULL, in_child);
	cr_assert_eq(count_written(&record), 2);
	cr_assert_eq(record->handler_mask, 4);
	trace_writer_open_image();
	cr_assert_eq(count_written(&record), 2);
}

Test(atfork_registry, counts_more_than_it_keeps)
{
	enum { MANY = 300, KEPT = 256 };
	const struct trace_atfork *record = NULL;

	for (int i = 0; i < MANY; i++)
		add(before, NULL, NULL);
	cr_assert_eq(process.atfork_handlers, MANY);
	trace_writer_open_image();
	cr_assert_eq(count_written(&record), KEPT);
}

static unsigned count_notices(enum trace_notice_kind kind)
{
	const struct trace_record *record;
	uint64_t position = 0;
	unsigned count = 0;

	while ((record = trace_writer_next(&trace_writer_run()->file, &position)))
		count += ((const struct trace_notice *)record)->kind == kind;
	return count;
}

Test(atfork_registry, tells_once_a_fork_that_runs_no_handlers)
{
	atfork_registry_note_skipped(TRACE_NOTICE_FORK_SKIPS_HANDLERS);
	core_invent_thread(OTHER);
	atfork_registry_note_skipped(TRACE_NOTICE_FORK_SKIPS_HANDLERS);
	cr_assert_null(trace_writer_image(), "there is no handler to skip");
	add(before, NULL, NULL);
	atfork_registry_note_skipped(TRACE_NOTICE_FORK_SKIPS_HANDLERS);
	atfork_registry_note_skipped(TRACE_NOTICE_FORK_SKIPS_HANDLERS);
	atfork_registry_note_skipped(TRACE_NOTICE_VFORK_SKIPS_HANDLERS);
	cr_assert_eq(count_notices(TRACE_NOTICE_FORK_SKIPS_HANDLERS), 1);
	cr_assert_eq(count_notices(TRACE_NOTICE_VFORK_SKIPS_HANDLERS), 1);
}

Test(atfork_registry, says_nothing_of_a_process_with_one_thread)
{
	add(before, NULL, NULL);
	atfork_registry_note_skipped(TRACE_NOTICE_FORK_SKIPS_HANDLERS);
	cr_assert_null(trace_writer_image());
}
