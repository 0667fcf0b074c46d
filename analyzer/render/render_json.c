#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render_stack.h"
#include "report.h"
#include "utf8.h"

/* Names come from files and processes and may hold any bytes; JSON is UTF-8, and may be shown on a terminal.
 * Bytes that are none, and characters that a terminal obeys, become the text \xNN; those of ASCII cJSON
 * escapes. */
static char *to_utf8(const char *text)
{
	char *clean = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&clean, &size);
	if (!out)
		return NULL;
	while (*text) {
		size_t length = utf8_length(text), bytes = length ? length : 1;
		if (length == 0 || *text == 0x7f || utf8_is_control(text, length))
			utf8_print_escaped(out, text, bytes);
		else
			fwrite(text, 1, bytes, out);
		text += bytes;
	}
	fclose(out);
	return clean;
}

static cJSON *new_text(const char *text)
{
	char *clean = to_utf8(text);
	cJSON *item = clean ? cJSON_CreateString(clean) : NULL;
	free(clean);
	return item;
}

/* All add_ functions leave out what is not known. */
static void add_text(cJSON *object, const char *key, const char *text)
{
	if (text)
		cJSON_AddItemToObject(object, key, new_text(text));
}

/* cJSON keeps numbers as double, which holds no 64-bit integer: they are added as text. */
static void add_number(cJSON *object, const char *key, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	cJSON_AddRawToObject(object, key, text);
}

static void add_signed(cJSON *object, const char *key, int number)
{
	char text[24];
	snprintf(text, sizeof(text), "%d", number);
	cJSON_AddRawToObject(object, key, text);
}

/* Of what 0 means not known. */
static void add_nonzero(cJSON *object, const char *key, uint64_t number)
{
	if (number)
		add_number(object, key, number);
}

static void add_id(cJSON *object, const char *key, pid_t id)
{
	add_nonzero(object, key, id > 0 ? (uint64_t)id : 0);
}

static void add_address(cJSON *object, const char *key, uint64_t address)
{
	char text[24];
	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	cJSON_AddStringToObject(object, key, text);
}

static void add_true(cJSON *object, const char *key, bool flag)
{
	if (flag)
		cJSON_AddTrueToObject(object, key);
}

/* Adds the object unless it stayed empty. */
static void add_filled(cJSON *parent, const char *key, cJSON *object)
{
	if (object && object->child)
		cJSON_AddItemToObject(parent, key, object);
	else
		cJSON_Delete(object);
}

static void add_place(cJSON *object, const char *module, const char *build_id, uint64_t offset)
{
	if (!module)
		return;
	add_text(object, "module", module);
	add_text(object, "build_id", build_id);
	add_address(object, "offset", offset);
}

static cJSON *frame_object(const struct frame *frame)
{
	cJSON *object = cJSON_CreateObject();
	add_address(object, "pc", frame->pc);
	add_place(object, frame->module, frame->build_id, frame->offset);
	add_text(object, "function", frame->function);
	add_text(object, "file", frame->file);
	add_nonzero(object, "line", frame->file ? frame->line : 0);
	cJSON_AddBoolToObject(object, "inlined", frame->inlined);
	return object;
}

/* `<key>_cut` tells that the stack goes on where this list ends. */
static void add_stack(cJSON *parent, const char *key, const struct frame_stack *stack)
{
	char cut_key[48];
	if (render_stack_count(stack) == 0)
		return;
	cJSON *frames = cJSON_AddArrayToObject(parent, key);
	for (size_t i = 0; i < stack->count; i++)
		if (!render_stack_is_own(&stack->frames[i]))
			cJSON_AddItemToArray(frames, frame_object(&stack->frames[i]));
	snprintf(cut_key, sizeof(cut_key), "%s_cut", key);
	add_true(parent, cut_key, stack->cut || stack->truncated);
}

static void add_process(cJSON *parent, const struct finding *finding)
{
	cJSON *object = cJSON_CreateObject();
	add_id(object, "pid", finding->process.pid);
	add_id(object, "ppid", finding->process.ppid);
	add_text(object, "exe", finding->process.exe);
	add_filled(parent, "process", object);
}

static void add_lock(cJSON *parent, const struct finding *finding)
{
	if (!finding->lock.kind)
		return;
	cJSON *object = cJSON_AddObjectToObject(parent, "lock");
	if (finding->lock.address_known)
		add_address(object, "address", finding->lock.address);
	add_text(object, "kind", finding->lock.kind);
	add_text(object, "type", finding->lock.type);
	add_text(object, "name", finding->lock.name);
	add_stack(object, "initialised_at", &finding->lock.initialised_at);
	add_place(object, finding->lock.module, finding->lock.build_id, finding->lock.module_offset);
	add_true(object, "robust", finding->lock.robust);
	add_true(object, "process_shared", finding->lock.process_shared);
	add_true(object, "prio_inherit", finding->lock.prio_inherit);
}

static cJSON *thread_object(const struct finding_thread *thread, const char *stack_key)
{
	cJSON *object = cJSON_CreateObject();
	add_id(object, "tid", thread->tid);
	add_text(object, "name", thread->name);
	add_text(object, "start_routine", thread->start_routine);
	add_stack(object, "created_at", &thread->created_at);
	add_stack(object, stack_key, &thread->acquired_at);
	add_text(object, "call", thread->acquire_call);
	return object;
}

static void add_holder(cJSON *parent, const struct finding *finding)
{
	add_filled(parent, "holder", thread_object(&finding->holder, "acquired_at"));
}

static void add_vanished(cJSON *parent, const struct finding *finding)
{
	if (!finding->vanished_count)
		return;
	cJSON *array = cJSON_AddArrayToObject(parent, "vanished");
	for (size_t i = 0; i < finding->vanished_count; i++) {
		const struct finding_vanished *vanished = &finding->vanished[i];
		cJSON *object = thread_object(&vanished->thread, "stack");
		add_text(object, "doing", vanished->doing);
		cJSON_AddItemToArray(array, object);
	}
}

static void add_handover(cJSON *parent, const struct finding *finding)
{
	const struct finding_handover *handover = &finding->handover;
	if (!handover->call)
		return;
	cJSON *object = cJSON_AddObjectToObject(parent, "handed_over");
	add_text(object, "call", handover->call);
	add_id(object, "tid", handover->tid);
	add_address(object, "address", handover->address);
	add_text(object, "kind", handover->kind);
	add_text(object, "name", handover->name);
	add_number(object, "waiting_threads", handover->waiting_threads);
	add_number(object, "count", handover->count);
	add_stack(object, "stack", &handover->stack);
}

static void add_fork(cJSON *parent, const struct finding *finding)
{
	cJSON *object = cJSON_CreateObject();
	add_id(object, "pid", finding->fork.pid);
	add_id(object, "tid", finding->fork.tid);
	add_text(object, "call", finding->fork.call);
	add_stack(object, "stack", &finding->fork.stack);
	add_nonzero(object, "vanished_threads", finding->fork.vanished_threads);
	add_filled(parent, "fork", object);
}

static void add_victim(cJSON *parent, const struct finding *finding)
{
	cJSON *object = cJSON_CreateObject();
	add_id(object, "pid", finding->victim.pid);
	add_id(object, "tid", finding->victim.tid);
	add_text(object, "call", finding->victim.call);
	add_stack(object, "stack", &finding->victim.stack);
	if (finding->victim.blocked_known)
		add_number(object, "blocked_ns", finding->victim.blocked_ns);
	add_text(object, "name", finding->victim.name);
	add_nonzero(object, "live_threads", finding->victim.live_threads);
	add_filled(parent, "victim", object);
}

static cJSON *finding_object(const struct finding *finding)
{
	cJSON *object = cJSON_CreateObject();
	add_text(object, "fingerprint", finding->fingerprint);
	add_text(object, "verdict", verdict_name(finding->verdict));
	add_text(object, "rule", finding->rule_name);
	add_number(object, "count", finding->count);
	add_text(object, "message", finding->message);
	add_process(object, finding);
	add_lock(object, finding);
	add_holder(object, finding);
	add_vanished(object, finding);
	add_handover(object, finding);
	add_fork(object, finding);
	add_victim(object, finding);
	add_text(object, "advice", finding->advice);
	add_number(object, "pending", finding->pending_count);
	return object;
}

static void add_tool(cJSON *root)
{
	cJSON *object = cJSON_AddObjectToObject(root, "tool");
	add_text(object, "name", "afterfork");
	add_text(object, "version", AFTERFORK_VERSION);
}

static void add_command(cJSON *root, const struct report *report)
{
	if (!report->command)
		return;
	cJSON *array = cJSON_AddArrayToObject(root, "command");
	for (size_t i = 0; i < report->command_count; i++)
		cJSON_AddItemToArray(array, new_text(report->command[i]));
	add_true(root, "command_truncated", report->command_truncated);
}

static void add_started(cJSON *root, uint64_t realtime_ns)
{
	char text[64];
	struct tm utc;
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	if (!realtime_ns || !gmtime_r(&seconds, &utc))
		return;
	size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, sizeof(text) - length, ".%09" PRIu64 "Z", realtime_ns % 1000000000);
	add_text(root, "started", text);
}

static void add_exit(cJSON *root, const struct report *report)
{
	if (!report->exit_known)
		return;
	cJSON *object = cJSON_AddObjectToObject(root, "exit");
	if (report->exit_code >= 0)
		add_signed(object, "code", report->exit_code);
	add_signed(object, "signal", report->exit_signal);
}

static const struct {
	const char *key;
	size_t offset; /* in struct report_summary; a uint64_t */
	bool is_of_run;
} counters[] = {
#define COUNTER(name) #name, offsetof(struct report_summary, name)
    {COUNTER(processes), true},         {COUNTER(threads), true},         {COUNTER(forks), true},
    {COUNTER(dropped_records), false},  {COUNTER(suppressed), false},     {COUNTER(damaged_records), false},
    {COUNTER(cut_stacks), true},        {COUNTER(lost_held), true},       {COUNTER(images), true},
    {COUNTER(images_unrecorded), true}, {COUNTER(execs_uncovered), true},
#undef COUNTER
};

static void add_summary(cJSON *root, const struct report *report)
{
	const struct report_summary *summary = &report->summary;
	cJSON *object = cJSON_AddObjectToObject(root, "summary");
	for (int verdict = VERDICT_COUNT - 1; verdict >= 0; verdict--)
		add_number(object, verdict_name((enum verdict)verdict), summary->by_verdict[verdict]);
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		if (summary->counters_known || !counters[i].is_of_run)
			add_number(object, counters[i].key,
			           *(const uint64_t *)((const char *)summary + counters[i].offset));
}

static void add_findings(cJSON *root, const struct report *report)
{
	cJSON *array = cJSON_AddArrayToObject(root, "findings");
	for (size_t i = 0; i < report->findings.count; i++)
		cJSON_AddItemToArray(array, finding_object(report->findings.items[i]));
}

static void add_remarks(cJSON *root, const struct report *report)
{
	cJSON *notices = cJSON_AddArrayToObject(root, "notices");
	for (size_t i = 0; i < report->notice_count; i++) {
		cJSON *object = cJSON_CreateObject();
		add_text(object, "kind", report->notices[i].kind);
		add_text(object, "text", report->notices[i].text);
		add_text(object, "path", report->notices[i].path);
		add_id(object, "pid", report->notices[i].pid);
		add_number(object, "count", report->notices[i].count);
		cJSON_AddItemToArray(notices, object);
	}
	cJSON *warnings = cJSON_AddArrayToObject(root, "warnings");
	for (size_t i = 0; i < report->warnings.count; i++)
		cJSON_AddItemToArray(warnings, new_text(report->warnings.items[i]));
}

static int render(const struct report *report, FILE *out, const struct render_options *options)
{
	(void)options;
	cJSON *root = cJSON_CreateObject();
	add_text(root, "schema", "afterfork/report/1");
	add_tool(root);
	add_command(root, report);
	add_started(root, report->started_realtime_ns);
	if (report->duration_known)
		add_number(root, "duration_ns", report->duration_ns);
	add_exit(root, report);
	add_summary(root, report);
	add_findings(root, report);
	add_remarks(root, report);
	char *text = cJSON_Print(root);
	cJSON_Delete(root);
	if (!text)
		return -1;
	fprintf(out, "%s\n", text);
	cJSON_free(text);
	return 0;
}

const struct renderer render_json = {
    .name = "json",
    .summary = "for scripts: one object, schema afterfork/report/1",
    .render = render,
};
