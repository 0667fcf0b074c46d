#include "library_threads.h"

#include <stdlib.h>
#include <string.h>

#include "proc_memory.h"

enum {
	RECORDS_MAX = 20000,     /* ends the walk in a list that is damaged */
	RECORD_SIZE_MAX = 16384, /* also from a cached stack to what it has behind the other ones */
	HOLD_SIZE_MAX = 512,
};

/* A part of another process's memory, of which fields are taken by the offsets of a descriptor. */
struct block {
	unsigned char bytes[RECORD_SIZE_MAX];
	uint32_t size_bytes;
};

static bool read_block(pid_t pid, uint64_t address, uint32_t size_bytes, struct block *ret_block)
{
	ret_block->size_bytes = size_bytes;
	return size_bytes <= sizeof(ret_block->bytes) &&
	       proc_memory_read(pid, address, ret_block->bytes, size_bytes);
}

/* Leaves *ret_field zeroed where the block does not reach that far. */
static void take(const struct block *block, uint32_t offset, void *ret_field, size_t size_bytes)
{
	memset(ret_field, 0, size_bytes);
	if (offset <= block->size_bytes && size_bytes <= block->size_bytes - offset)
		memcpy(ret_field, block->bytes + offset, size_bytes);
}

static uint32_t take_number(const struct block *block, uint32_t offset)
{
	uint32_t number;

	take(block, offset, &number, sizeof(number));
	return number;
}

static uint64_t take_word(const struct block *block, uint32_t offset)
{
	uint64_t word;

	take(block, offset, &word, sizeof(word));
	return word;
}

static void add_frames(struct library_hold *hold, const uint64_t *pcs, size_t count)
{
	for (size_t i = 0; i < count && pcs[i] && hold->frame_count < LIBRARY_HOLD_FRAMES_MAX; i++)
		hold->pc[hold->frame_count++] = pcs[i];
}

/* The frames that a deep one has behind its first four; returns the place of the last, in words. */
static uint32_t take_more(const struct block *cached, const struct trace_descriptor *at,
                          struct library_hold *hold)
{
	uint64_t pcs[TRACE_CACHED_MORE_FRAMES];
	uint16_t slots[TRACE_CACHED_MORE_FRAMES];
	uint8_t count;

	take(cached, at->cached_more_pcs, pcs, sizeof(pcs));
	take(cached, at->cached_more_slots, slots, sizeof(slots));
	take(cached, at->cached_more_count, &count, sizeof(count));
	if (!count || count > TRACE_CACHED_MORE_FRAMES)
		return 0;
	add_frames(hold, pcs, count);
	return slots[count - 1];
}

/* The first of these is where the stack goes on from the last frame. */
static void take_cached(pid_t pid, const struct trace_descriptor *at, uint64_t address,
                        struct library_hold *hold)
{
	static struct block cached;
	uint64_t pcs[TRACE_CACHED_FRAMES];
	uint16_t slots[TRACE_CACHED_FRAMES - 1];
	uint32_t size_bytes = at->cached_more_count + 1;

	if (!read_block(pid, address, size_bytes, &cached))
		return;
	uint32_t state = take_number(&cached, at->cached_state);
	take(&cached, at->cached_pcs, pcs, sizeof(pcs));
	take(&cached, at->cached_slots, slots, sizeof(slots));
	add_frames(hold, pcs, TRACE_CACHED_FRAMES);
	if (state & TRACE_CACHED_SHORT) {
		hold->is_whole = !(state & TRACE_CACHED_CUT);
		return;
	}
	uint32_t place = slots[TRACE_CACHED_FRAMES - 2];
	if (state & TRACE_CACHED_DEEP)
		place = take_more(&cached, at, hold);
	if (place)
		hold->outer_slot = take_word(&cached, at->cached_sp) + place * sizeof(uint64_t);
}

static void take_hold(pid_t pid, const struct trace_descriptor *at, const struct block *block,
                      struct library_hold *ret_hold)
{
	uint64_t pcs[LIBRARY_HOLD_FRAMES_MAX];
	struct library_hold hold = {
	    .lock = take_word(block, at->hold_lock),
	    .former_tid = (pid_t)take_number(block, at->hold_former_tid),
	    .outer_bp = take_word(block, at->hold_bp),
	};
	uint64_t stack = take_word(block, at->hold_stack);
	uint16_t call;
	uint8_t state, kind;

	take(block, at->hold_call, &call, sizeof(call));
	take(block, at->hold_state, &state, sizeof(state));
	take(block, at->hold_kind, &kind, sizeof(kind));
	hold.call = call;
	hold.state = state;
	hold.kind = kind;
	if (!(stack & TRACE_STACK_OWN)) {
		take_cached(pid, at, stack, &hold);
	} else if (at->hold_frames <= LIBRARY_HOLD_FRAMES_MAX) {
		take(block, at->hold_pcs, pcs, at->hold_frames * sizeof(*pcs));
		add_frames(&hold, pcs, at->hold_frames);
		hold.outer_slot = stack & ~(uint64_t)TRACE_STACK_OWN;
		/* Without such a place the frame pointer's says whether the stack was cut. */
		hold.is_whole = !hold.outer_slot && !hold.outer_bp;
	}
	*ret_hold = hold;
}

/* The entry one above the count is the lock that was let go last, or was just being let go. */
static void take_holds(pid_t pid, const struct trace_descriptor *at, const struct block *record,
                       struct library_thread *thread)
{
	static struct block block;
	uint64_t holds = take_word(record, at->thread_holds);
	uint32_t count = take_number(record, at->thread_hold_count);
	uint32_t first = count > LIBRARY_HOLDS_MAX ? count - LIBRARY_HOLDS_MAX : 0;

	if (!count || at->hold_size_bytes > HOLD_SIZE_MAX)
		return;
	thread->holds = calloc(count - first, sizeof(*thread->holds));
	for (uint32_t i = first; thread->holds && i < count; i++) {
		if (!read_block(pid, holds + (uint64_t)i * at->hold_size_bytes, at->hold_size_bytes, &block))
			return;
		take_hold(pid, at, &block, &thread->holds[thread->hold_count]);
		thread->hold_count += thread->holds[thread->hold_count].state != TRACE_HOLD_NONE;
	}
}

static void take_thread(pid_t pid, const struct trace_descriptor *at, const struct block *record,
                        struct library_thread *ret_thread)
{
	struct library_thread thread = {
	    .tid = (pid_t)take_number(record, at->thread_tid),
	    .owner_tid = (pid_t)take_number(record, at->thread_owner_tid),
	    .stack_low = take_word(record, at->thread_stack_low),
	    .stack_high = take_word(record, at->thread_stack_high),
	    .start_routine = take_word(record, at->thread_start_routine),
	    .created_exact = take_word(record, at->thread_created_exact),
	    .created_count = take_number(record, at->thread_created_count),
	    .created_flags = take_number(record, at->thread_created_flags),
	};

	take(record, at->thread_name, thread.name, sizeof(thread.name));
	thread.name[sizeof(thread.name) - 1] = '\0';
	take(record, at->thread_created_pcs, thread.created_pc, sizeof(thread.created_pc));
	if (thread.created_count > TRACE_CREATED_FRAMES)
		thread.created_count = TRACE_CREATED_FRAMES;
	take_holds(pid, at, record, &thread);
	*ret_thread = thread;
}

struct walk {
	pid_t pid;
	const struct library_state *state;
	uint64_t sp;
	bool found_self;
};

static bool lives_on(const struct walk *walk, const struct block *record)
{
	const struct trace_descriptor *at = &walk->state->descriptor;

	if (!walk->state->is_fresh)
		return take_number(record, at->thread_generation) >= walk->state->generation;
	uint64_t low = take_word(record, at->thread_stack_low),
	         high = take_word(record, at->thread_stack_high);
	return walk->sp >= low && walk->sp < high;
}

/* What a thread that lives does last is what it waits for, if it waits. */
static void take_wait(const struct walk *walk, const struct block *record, struct library_threads *threads)
{
	struct library_thread thread;

	if (threads->wait_count == LIBRARY_WAITS_MAX)
		return;
	take_thread(walk->pid, &walk->state->descriptor, record, &thread);
	if (thread.hold_count) {
		const struct library_hold *latest = &thread.holds[thread.hold_count - 1];

		threads->waits[threads->wait_count++] =
		    (struct library_wait){thread.tid, latest->lock, latest->kind};
	}
	free(thread.holds);
}

static void take_record(struct walk *walk, const struct block *record, struct library_threads *threads)
{
	const struct trace_descriptor *at = &walk->state->descriptor;
	bool is_alive = take_number(record, at->thread_state) == TRACE_THREAD_ALIVE;
	bool lives = lives_on(walk, record);

	if (lives && is_alive)
		take_wait(walk, record, threads);
	if (lives && is_alive && !walk->found_self)
		walk->found_self = true;
	else if (lives && !walk->state->is_fresh)
		threads->made_since = true;
	else if (lives || !is_alive)
		return;
	else if (threads->count == LIBRARY_THREADS_MAX)
		threads->is_complete = false;
	else
		take_thread(walk->pid, at, record, &threads->items[threads->count++]);
}

bool library_threads_read(pid_t pid, const struct library_state *state, uint64_t sp,
                          struct library_threads *ret_threads)
{
	static struct block record;
	const struct trace_descriptor *at = &state->descriptor;
	struct walk walk = {.pid = pid, .state = state, .sp = sp};
	struct library_threads threads = {.is_complete = true};
	uint64_t address;

	threads.items = calloc(LIBRARY_THREADS_MAX, sizeof(*threads.items));
	bool whole = threads.items && proc_memory_read(pid, at->threads, &address, sizeof(address));
	for (unsigned i = 0; whole && address; i++) {
		whole = i < RECORDS_MAX && read_block(pid, address, at->thread_size_bytes, &record);
		if (!whole)
			break;
		take_record(&walk, &record, &threads);
		address = take_word(&record, at->thread_next);
	}
	if (!whole || !walk.found_self) {
		library_threads_release(&threads);
		*ret_threads = threads;
		return false;
	}
	*ret_threads = threads;
	return true;
}

void library_threads_release(struct library_threads *threads)
{
	for (size_t i = 0; i < threads->count; i++)
		free(threads->items[i].holds);
	free(threads->items);
	*threads = (struct library_threads){0};
}
