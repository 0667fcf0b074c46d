/* Builds traces for tests: whole files in memory, as the library would write them.
 *
 * A builder is one file of a trace. Out of memory ends the program: it serves tests only. */
#ifndef AFTERFORK_TRACE_BUILDER_H
#define AFTERFORK_TRACE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"

enum { TRACE_BUILDER_RUN_ID = 0x5eed };

/* Modules that a built stack may name; "none" is an address in no known file. */
enum built_module {
	BUILT_PROGRAM,
	BUILT_LIBC,
	BUILT_PLUGIN,
	BUILT_TOOL,
	BUILT_MODULE_COUNT,
	BUILT_NONE = -1
};

struct built_frame {
	uint64_t offset; /* in the module's file; the pc itself for BUILT_NONE */
	enum built_module module;
	bool exact_pc;
};
enum { BUILT_STACK_FRAMES_MAX = 8 };
struct built_stack {
	struct built_frame frames[BUILT_STACK_FRAMES_MAX];
	unsigned count;
	unsigned flags; /* TRACE_STACK_* */
};

struct built_incident {
	int32_t pid, tid, ppid;
	uint64_t time_ns;
	enum trace_observed observed;
	enum trace_outcome outcome;
	int32_t result;
	uint64_t left_ns, repeats, repeats_returned;
	uint32_t proof, atfork_handlers;
	struct {
		uint64_t address;
		enum trace_lock_kind kind;
		enum trace_mutex_type type;
		uint32_t flags;
		int32_t owner_tid;
		enum built_module module;
		struct built_stack initialised_at;
	} lock;
	struct {
		int32_t tid;
		const char *name;
		uint64_t start_offset; /* in BUILT_PROGRAM; 0: not known */
		uint32_t acquire_call;
		struct built_stack created_at, acquired_at;
	} holder;
	struct {
		int32_t pid, tid;
		uint32_t call, vanished_threads;
		struct built_stack stack;
	} fork;
	struct {
		uint32_t call, live_threads;
		const char *name, *exe;
		struct built_stack stack;
	} victim;
};

struct trace_builder;

struct trace_builder *trace_builder_new(enum trace_file_kind kind);
void trace_builder_free(struct trace_builder *builder);

/* The headers, to change before or after records are added; of this builder's kind only. */
struct trace_run *trace_builder_run(struct trace_builder *builder);
struct trace_image *trace_builder_image(struct trace_builder *builder);
/* argv of the run or image; NULL-terminated. */
void trace_builder_command(struct trace_builder *builder, const char *const *command);

/* Pid 4242, forked from 4200 by its thread 4200, waits in pthread_mutex_lock() for a normal mutex that thread
 * 4201 'worker' took; nothing returned. */
struct built_incident trace_builder_story(void);
/* Each returns the record's offset in the file. */
size_t trace_builder_add_incident(struct trace_builder *builder, const struct built_incident *incident);
size_t trace_builder_add_notice(struct trace_builder *builder, enum trace_notice_kind kind, int error,
                                const char *path);
/* One registration of three handlers that live in the module. */
size_t trace_builder_add_atfork(struct trace_builder *builder, enum built_module module);
/* The incident's `holder` as a thread that vanished beside it, doing what state and kind say. */
size_t trace_builder_add_vanished(struct trace_builder *builder, const struct built_incident *incident,
                                  enum trace_hold_state state, enum trace_lock_kind kind);
/* Beside the incident: work handed over by a call on a condition variable in the program, with the fork's
 * stack. */
size_t trace_builder_add_handover(struct trace_builder *builder, const struct built_incident *incident,
                                  uint32_t call, unsigned waiting_threads);
/* Granules that were claimed by a writer that never came to fill them. */
size_t trace_builder_add_claimed(struct trace_builder *builder, unsigned granules);
/* A whole record of a type that this version does not know. */
size_t trace_builder_add_unknown(struct trace_builder *builder, uint32_t type);

/* After a test changed the bytes of the record at offset: makes its checksum right again. */
void trace_builder_seal(struct trace_builder *builder, size_t offset);

/* The file as it stands; valid until the next call that adds. */
unsigned char *trace_builder_data(struct trace_builder *builder, size_t *ret_size_bytes);
/* Writes it to path; false with a message on stderr. */
bool trace_builder_write(struct trace_builder *builder, const char *path);

#endif
