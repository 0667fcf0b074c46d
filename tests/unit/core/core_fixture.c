#include "core_fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "lock_word.h"
#include "message.h"
#include "module_map.h"
#include "real.h"
#include "trace_writer.h"

static char folder[64];
static char trace_folder[128];
static pid_t folder_owner;

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *position)
{
	(void)status;
	(void)kind;
	(void)position;
	return remove(path);
}

/* Children of a test that call exit leave the folder to the test. */
static void remove_folder(void)
{
	if (getpid() == folder_owner)
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *core_folder(void)
{
	if (folder[0])
		return folder;
	strcpy(folder, "/tmp/afterfork-unit-XXXXXX");
	cr_assert_not_null(mkdtemp(folder), "no folder under /tmp can be made: %m");
	folder_owner = getpid();
	atexit(remove_folder);
	return folder;
}

const char *core_trace_folder(void)
{
	snprintf(trace_folder, sizeof trace_folder, "%s/trace", core_folder());
	return trace_folder;
}

struct thread_record *core_adopt_thread(void)
{
	struct thread_record *self = thread_record_new(process.generation);
	cr_assert_not_null(self);
	self->tid = self->owner_tid = gettid();
	self->handle = (uint64_t)pthread_self();
	uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
	cr_assert(call_stack_find_bounds(here, &self->bounds.low, &self->bounds.high));
	thread_record_become(self);
	thread_record_open_gate(self, process_is_plain());
	atomic_fetch_add(&process.live_threads, 1);
	return self;
}

void core_end_thread(void)
{
	struct thread_record *self = thread_record_self;
	thread_record_become(NULL);
	atomic_fetch_sub(&process.live_threads, 1);
	thread_record_release(self);
}

struct thread_record *core_start(void)
{
	real_resolve();
	message_init();
	if (strcmp(config.output, "afterfork.%p") == 0)
		snprintf(config.output, sizeof config.output, "%s", core_trace_folder());
	cr_assert(fork_snapshot_init());
	cr_assert(module_map_refresh());
	trace_writer_init();
	process.initialised = true;
	atomic_store(process_mode_word, PROCESS_PLAIN);
	return core_adopt_thread();
}

struct thread_record *core_invent_thread(int32_t tid)
{
	struct thread_record *record = thread_record_new(process.generation);
	cr_assert_not_null(record);
	record->tid = record->owner_tid = tid;
	atomic_fetch_add(&process.live_threads, 1);
	return record;
}

uint32_t core_invent_hold(struct thread_record *record, const void *lock, enum trace_hold_state state)
{
	const struct call_registers regs = {.pc = 0x1000};
	uint32_t index = thread_record_want(record, lock, TRACE_LOCK_MUTEX, CALL_pthread_mutex_lock, &regs);
	cr_assert_neq(index, UINT32_MAX);
	thread_record_set(record, index, state);
	return index;
}

void core_become_child(struct thread_record *self)
{
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	atomic_store(process_mode_word, PROCESS_FRESH);
	fork_snapshot_postfork_child();
}

void core_lock_by_hand(pthread_mutex_t *mutex, int32_t owner_tid)
{
	struct lock_state state = lock_word_of_mutex(mutex);
	bool by_word = state.flags & (TRACE_LOCK_ROBUST | TRACE_LOCK_PRIO_INHERIT);
	mutex->__data.__lock = by_word ? owner_tid : 1;
	mutex->__data.__owner = owner_tid;
}

__attribute__((noinline)) struct call_registers core_registers(void)
{
	return CALL_REGISTERS_OF_CALLER();
}

int core_wait(pid_t child)
{
	int status = 0;
	cr_assert_eq(waitpid(child, &status, 0), child, "waitpid: %m");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

unsigned core_told(enum trace_observed observed, const struct trace_incident **ret_last)
{
	const char *file = (const char *)trace_writer_image();
	unsigned count = 0;
	uint64_t size = 0;

	for (uint64_t at = TRACE_HEADER_SIZE_BYTES; file && at < trace_writer_image()->file.tail_bytes;
	     at += size) {
		const struct trace_incident *incident = (const struct trace_incident *)(file + at);
		size = (incident->record.size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES *
		       TRACE_GRANULE_BYTES;
		if (incident->record.type != TRACE_RECORD_INCIDENT || incident->observed != observed)
			continue;
		count++;
		if (ret_last)
			*ret_last = incident;
	}
	return count;
}
