/* The records of a trace, with their tables. */
#include <stdlib.h>
#include <string.h>

#include "trace_builder_private.h"

static const struct {
	const char *path;
	uint64_t bias;
	unsigned char build_id; /* repeated; 0: none */
} modules[BUILT_MODULE_COUNT] = {
    [BUILT_PROGRAM] = {TRACE_BUILDER_PROGRAM, 0x555500000000, 0xa1},
    [BUILT_LIBC] = {"/opt/story/lib/libc.so.6", 0x7f0000000000, 0xb2},
    [BUILT_PLUGIN] = {"/opt/story/lib/libplugin.so", 0x7f1000000000, 0},
    [BUILT_TOOL] = {"/opt/story/lib/libafterfork.so", 0x7f2000000000, 0xc3},
};
enum { MODULE_SPAN_BYTES = 0x1000000, BUILD_ID_BYTES = 20 };

/* The tables of a record while they are collected. */
struct tables {
	struct trace_frame frames[64];
	struct trace_module modules[BUILT_MODULE_COUNT];
	char strings[TRACE_PATH_SIZE_BYTES];
	uint32_t frame_count, strings_size_bytes;
};

static uint32_t add_string(struct tables *tables, const char *text)
{
	uint32_t at = tables->strings_size_bytes;

	strcpy(tables->strings + at, text);
	tables->strings_size_bytes += (uint32_t)strlen(text) + 1;
	return at;
}

static void init_tables(struct tables *tables)
{
	*tables = (struct tables){0};
	for (size_t i = 0; i < BUILT_MODULE_COUNT; i++) {
		struct trace_module *module = &tables->modules[i];

		module->start = module->bias = modules[i].bias;
		module->end = module->start + MODULE_SPAN_BYTES;
		module->build_id_size_bytes = modules[i].build_id ? BUILD_ID_BYTES : 0;
		memset(module->build_id, modules[i].build_id, module->build_id_size_bytes);
		module->path = add_string(tables, modules[i].path);
	}
}

static uint32_t module_index(enum built_module module)
{
	return module == BUILT_NONE ? TRACE_MODULE_UNKNOWN : (uint32_t)module;
}

static uint64_t address_in(enum built_module module, uint64_t offset)
{
	return module == BUILT_NONE ? offset : modules[module].bias + offset;
}

static struct trace_stack add_stack(struct tables *tables, const struct built_stack *stack)
{
	struct trace_stack range = {
	    .first = tables->frame_count, .count = (uint16_t)stack->count, .flags = (uint16_t)stack->flags};

	for (unsigned i = 0; i < stack->count; i++) {
		const struct built_frame *frame = &stack->frames[i];

		tables->frames[tables->frame_count++] = (struct trace_frame){
		    .pc = address_in(frame->module, frame->offset),
		    .module = module_index(frame->module),
		    .flags = frame->exact_pc ? TRACE_FRAME_EXACT_PC : 0,
		};
	}
	return range;
}

static size_t align8(size_t size_bytes)
{
	return (size_bytes + 7) / 8 * 8;
}

/* Writes fixed part and tables; returns the record's offset. `places` point into the fixed part. */
static size_t append(struct trace_builder *builder, void *fixed, size_t fixed_size,
                     const struct tables *tables, struct trace_table_places *places, uint32_t checksum_from)
{
	struct trace_record *record = fixed;
	size_t frames_size = tables->frame_count * sizeof tables->frames[0], offset;

	places->frames_offset = (uint32_t)align8(fixed_size);
	places->frame_count = tables->frame_count;
	places->modules_offset = (uint32_t)(align8(fixed_size) + frames_size);
	places->module_count = BUILT_MODULE_COUNT;
	places->strings_offset = places->modules_offset + (uint32_t)sizeof tables->modules;
	places->strings_size_bytes = tables->strings_size_bytes;
	record->magic = TRACE_RECORD_MAGIC;
	record->state = TRACE_RECORD_COMMITTED;
	record->size_bytes = places->strings_offset + tables->strings_size_bytes;
	record->checksum_from = checksum_from;
	offset = trace_builder_extend(builder, record->size_bytes);
	memcpy(builder->data + offset, fixed, fixed_size);
	memcpy(builder->data + offset + places->frames_offset, tables->frames, frames_size);
	memcpy(builder->data + offset + places->modules_offset, tables->modules, sizeof tables->modules);
	memcpy(builder->data + offset + places->strings_offset, tables->strings, tables->strings_size_bytes);
	trace_builder_seal(builder, offset);
	return offset;
}

/* Written down here a second time on purpose: a reader that used the writer's own function would agree with
 * any mistake in it. */
static uint32_t fnv1a(const unsigned char *bytes, size_t size_bytes)
{
	uint32_t hash = 0x811c9dc5;

	while (size_bytes--) {
		hash ^= *bytes++;
		hash *= 0x01000193;
	}
	return hash;
}

void trace_builder_seal(struct trace_builder *builder, size_t offset)
{
	struct trace_record *record = (struct trace_record *)(builder->data + offset);

	record->checksum =
	    fnv1a(builder->data + offset + record->checksum_from, record->size_bytes - record->checksum_from);
}

static struct built_stack stack_of(unsigned count, uint64_t innermost_offset)
{
	struct built_stack stack = {.count = count + 1};

	for (unsigned i = 0; i < count; i++)
		stack.frames[i] =
		    (struct built_frame){.offset = innermost_offset + i * 0x100, .module = BUILT_PROGRAM};
	stack.frames[count] = (struct built_frame){.offset = 0x8912a, .module = BUILT_LIBC};
	return stack;
}

struct built_incident trace_builder_story(void)
{
	return (struct built_incident){
	    .pid = 4242,
	    .tid = 4242,
	    .ppid = 4200,
	    .time_ns = STARTED_MONOTONIC_NS + 2500000000u,
	    .observed = TRACE_BLOCKS_ON_VANISHED,
	    .proof = TRACE_PROOF_OWNER_WORD | TRACE_PROOF_RECORD | TRACE_PROOF_PRIVATE_MAPPING |
	             TRACE_PROOF_ONLY_THREAD,
	    .lock = {.address = modules[BUILT_PROGRAM].bias + 0x4060,
	             .kind = TRACE_LOCK_MUTEX,
	             .owner_tid = 4201,
	             .module = BUILT_PROGRAM},
	    .holder = {.tid = 4201,
	               .name = "worker",
	               .start_offset = 0x1200,
	               .acquire_call = 1,
	               .created_at = stack_of(1, 0x1400),
	               .acquired_at = stack_of(2, 0x1210)},
	    .fork =
	        {.pid = 4200, .tid = 4200, .call = 23, .vanished_threads = 1, .stack = stack_of(1, 0x1500)},
	    .victim = {.call = 1,
	               .live_threads = 1,
	               .name = "story",
	               .exe = modules[BUILT_PROGRAM].path,
	               .stack = stack_of(3, 0x1600)},
	};
}

static void fill_holder(struct trace_holder *holder, const struct built_incident *incident,
                        struct tables *tables)
{
	holder->tid = incident->holder.tid;
	holder->state = TRACE_HOLD_HELD;
	strncpy(holder->name, incident->holder.name ? incident->holder.name : "", sizeof holder->name - 1);
	holder->start_module = TRACE_MODULE_UNKNOWN;
	if (incident->holder.start_offset) {
		holder->start_routine = address_in(BUILT_PROGRAM, incident->holder.start_offset);
		holder->start_module = BUILT_PROGRAM;
	}
	holder->acquire_call = incident->holder.acquire_call;
	holder->created_at = add_stack(tables, &incident->holder.created_at);
	holder->acquired_at = add_stack(tables, &incident->holder.acquired_at);
}

static void fill_incident(struct trace_incident *record, const struct built_incident *incident,
                          struct tables *tables)
{
	*record = (struct trace_incident){
	    .record = {.type = TRACE_RECORD_INCIDENT,
	               .pid = incident->pid,
	               .tid = incident->tid,
	               .time_ns = incident->time_ns},
	    .outcome = incident->outcome,
	    .result = incident->result,
	    .left_ns = incident->left_ns,
	    .repeats = incident->repeats,
	    .repeats_returned = incident->repeats_returned,
	    .observed = incident->observed,
	    .proof = incident->proof,
	    .atfork_handlers = incident->atfork_handlers,
	    .stack_count = 5,
	    .lock = {.address = incident->lock.address,
	             .kind = incident->lock.kind,
	             .type = incident->lock.type,
	             .flags = incident->lock.flags,
	             .word = 1,
	             .owner_tid = incident->lock.owner_tid,
	             .module = module_index(incident->lock.module)},
	    .fork = {.pid = incident->fork.pid,
	             .tid = incident->fork.tid,
	             .call = incident->fork.call,
	             .vanished_threads = incident->fork.vanished_threads},
	    .victim = {.ppid = incident->ppid,
	               .call = incident->victim.call,
	               .live_threads = incident->victim.live_threads,
	               .exe = add_string(tables, incident->victim.exe ? incident->victim.exe : "")},
	};
	record->lock.initialised_at = add_stack(tables, &incident->lock.initialised_at);
	fill_holder(&record->holder, incident, tables);
	record->fork.stack = add_stack(tables, &incident->fork.stack);
	record->victim.stack = add_stack(tables, &incident->victim.stack);
	strncpy(record->victim.name, incident->victim.name ? incident->victim.name : "",
	        sizeof record->victim.name - 1);
}

size_t trace_builder_add_incident(struct trace_builder *builder, const struct built_incident *incident)
{
	struct trace_incident record;
	struct tables tables;

	init_tables(&tables);
	fill_incident(&record, incident, &tables);
	return append(builder, &record, sizeof record, &tables, &record.tables,
	              offsetof(struct trace_incident, observed));
}

size_t trace_builder_add_notice(struct trace_builder *builder, enum trace_notice_kind kind, int error,
                                const char *path)
{
	size_t path_size = path ? strlen(path) + 1 : 0;
	size_t offset = trace_builder_extend(builder, sizeof(struct trace_notice) + path_size);
	struct trace_notice *notice = (struct trace_notice *)(builder->data + offset);

	*notice = (struct trace_notice){
	    .record = {.magic = TRACE_RECORD_MAGIC,
	               .type = TRACE_RECORD_NOTICE,
	               .size_bytes = (uint32_t)(sizeof *notice + path_size),
	               .state = TRACE_RECORD_COMMITTED,
	               .checksum_from = sizeof(struct trace_record),
	               .pid = 4200,
	               .tid = 4200,
	               .time_ns = STARTED_MONOTONIC_NS + 1},
	    .kind = kind,
	    .error = error,
	    .path_size_bytes = (uint32_t)path_size,
	};
	if (path)
		memcpy(notice + 1, path, path_size);
	trace_builder_seal(builder, offset);
	return offset;
}

size_t trace_builder_add_atfork(struct trace_builder *builder, enum built_module module)
{
	const struct built_stack handlers = {
	    .frames = {{0x2000, module, true}, {0x2100, module, true}, {0x2200, module, true}}, .count = 3};
	const struct built_stack registered_at = {.frames = {{0x1300, module, false}}, .count = 1};
	struct trace_atfork record = {
	    .record = {.type = TRACE_RECORD_ATFORK,
	               .pid = 4200,
	               .tid = 4200,
	               .time_ns = STARTED_MONOTONIC_NS + 2},
	    .handler_mask = 7,
	};
	struct tables tables;

	init_tables(&tables);
	record.handlers = add_stack(&tables, &handlers);
	record.registered_at = add_stack(&tables, &registered_at);
	return append(builder, &record, sizeof record, &tables, &record.tables, sizeof(struct trace_record));
}

size_t trace_builder_add_vanished(struct trace_builder *builder, const struct built_incident *incident,
                                  enum trace_hold_state state, enum trace_lock_kind kind)
{
	struct trace_vanished record = {
	    .record = {.type = TRACE_RECORD_VANISHED,
	               .pid = incident->pid,
	               .tid = incident->tid,
	               .time_ns = incident->time_ns},
	    .lock_address = 0x7000,
	    .lock_kind = kind,
	};
	struct tables tables;

	init_tables(&tables);
	fill_holder(&record.thread, incident, &tables);
	record.thread.state = state;
	return append(builder, &record, sizeof record, &tables, &record.tables, sizeof(struct trace_record));
}

size_t trace_builder_add_handover(struct trace_builder *builder, const struct built_incident *incident,
                                  uint32_t call, unsigned waiting_threads)
{
	struct trace_handover record = {
	    .record = {.type = TRACE_RECORD_HANDOVER,
	               .pid = incident->pid,
	               .tid = incident->tid,
	               .time_ns = incident->time_ns + 1},
	    .incident_time_ns = incident->time_ns,
	    .lock_address = 0x7040,
	    .lock_kind = TRACE_LOCK_CONDVAR,
	    .lock_module = TRACE_MODULE_UNKNOWN,
	    .call = call,
	    .waiting_threads = waiting_threads,
	    .count = 1,
	    .tid = incident->tid,
	};
	struct tables tables;

	init_tables(&tables);
	record.stack = add_stack(&tables, &incident->fork.stack);
	return append(builder, &record, sizeof record, &tables, &record.tables, sizeof(struct trace_record));
}

size_t trace_builder_add_claimed(struct trace_builder *builder, unsigned granules)
{
	return trace_builder_extend(builder, (size_t)granules * TRACE_GRANULE_BYTES);
}

size_t trace_builder_add_unknown(struct trace_builder *builder, uint32_t type)
{
	size_t offset = trace_builder_extend(builder, sizeof(struct trace_record) + TRACE_GRANULE_BYTES);
	struct trace_record *record = (struct trace_record *)(builder->data + offset);

	*record = (struct trace_record){
	    .magic = TRACE_RECORD_MAGIC,
	    .type = type,
	    .size_bytes = sizeof *record + TRACE_GRANULE_BYTES,
	    .state = TRACE_RECORD_COMMITTED,
	    .checksum_from = sizeof *record,
	};
	trace_builder_seal(builder, offset);
	return offset;
}
