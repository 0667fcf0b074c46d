#include "library_state.h"

#include <stdlib.h>
#include <string.h>

#include "proc_memory.h"
#include "proc_wait.h"

#define LIBRARY_NAME "libafterfork.so"

enum { DATA_SIZE_MAX = 1 << 20, THREADS_MAX = 100000 };

/* The descriptor lies at a multiple of its alignment, wherever the linker put it. */
static bool find_in(pid_t pid, const struct proc_maps *maps, const struct proc_map *map,
                    struct trace_descriptor *ret_descriptor)
{
	uint64_t size_bytes = map->end - map->start;
	bool found = false;

	if (size_bytes > DATA_SIZE_MAX)
		return false;
	char *bytes = malloc(size_bytes);
	if (bytes && proc_memory_read(pid, map->start, bytes, size_bytes)) {
		for (uint64_t at = 0; at + sizeof(*ret_descriptor) <= size_bytes && !found; at += 8) {
			memcpy(ret_descriptor, bytes + at, sizeof(*ret_descriptor));
			/* The file's own copy, which the loader did not relocate, may be mapped too: its
			 * addresses lead nowhere. */
			found = memcmp(ret_descriptor->magic, TRACE_DESCRIPTOR_MAGIC,
			               sizeof(ret_descriptor->magic)) == 0 &&
			        ret_descriptor->version == TRACE_DESCRIPTOR_VERSION &&
			        ret_descriptor->size_bytes == sizeof(*ret_descriptor) &&
			        proc_maps_find(maps, ret_descriptor->mode_word) &&
			        proc_maps_find(maps, ret_descriptor->process) &&
			        proc_maps_find(maps, ret_descriptor->threads) &&
			        proc_maps_find(maps, ret_descriptor->handover);
		}
	}
	free(bytes);
	return found;
}

static bool find_descriptor(pid_t pid, const struct proc_maps *maps, struct trace_descriptor *ret_descriptor)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct proc_map *map = &maps->items[i];

		if (map->readable && !map->executable &&
		    strncmp(proc_map_base_name(map), LIBRARY_NAME, strlen(LIBRARY_NAME)) == 0 &&
		    find_in(pid, maps, map, ret_descriptor))
			return true;
	}
	return false;
}

static bool read_number(pid_t pid, uint64_t address, uint32_t *ret_number)
{
	return proc_memory_read(pid, address, ret_number, sizeof(*ret_number));
}

static bool read_address(pid_t pid, uint64_t at, uint64_t *ret_address)
{
	return proc_memory_read(pid, at, ret_address, sizeof(*ret_address));
}

/* The note of the last fork that the process itself entered into its list. */
static uint64_t find_entered_note(pid_t pid, const struct trace_descriptor *descriptor, uint32_t generation)
{
	uint64_t note = 0;

	if (generation && descriptor->notes_kept)
		read_address(pid,
		             descriptor->process + descriptor->process_notes +
		                 (uint64_t)((generation - 1) % descriptor->notes_kept) * sizeof(note),
		             &note);
	return note;
}

static bool runs_on_stack_of(pid_t pid, const struct trace_descriptor *descriptor, uint64_t thread)
{
	struct proc_wait wait;
	uint64_t bounds[2];

	proc_wait_read(pid, pid, &wait);
	return read_address(pid, thread + descriptor->thread_stack_low, &bounds[0]) &&
	       read_address(pid, thread + descriptor->thread_stack_high, &bounds[1]) &&
	       wait.stack >= bounds[0] && wait.stack < bounds[1];
}

/* The note of the fork that made a process which has not met the library yet. */
static uint64_t find_fresh_note(pid_t pid, const struct trace_descriptor *descriptor)
{
	uint64_t thread = 0, notes[2] = {0};
	unsigned forking = 0, on_stack = 0;

	read_address(pid, descriptor->threads, &thread);
	for (int i = 0; thread && i < THREADS_MAX; i++) {
		uint8_t counted;
		uint64_t note;

		if (!proc_memory_read(pid, thread + descriptor->thread_fork_counted, &counted, 1) ||
		    !read_address(pid, thread + descriptor->thread_note, &note))
			return 0;
		if (counted == 1) {
			notes[0] = note;
			forking++;
		}
		if (counted == 1 && runs_on_stack_of(pid, descriptor, thread)) {
			notes[1] = note;
			on_stack++;
		}
		if (!read_address(pid, thread + descriptor->thread_next, &thread))
			return 0;
	}
	if (forking == 1)
		return notes[0];
	return on_stack == 1 ? notes[1] : 0;
}

static void read_fork(pid_t pid, const struct trace_descriptor *descriptor, uint64_t note,
                      struct library_fork *ret_fork)
{
	struct library_fork fork = {0};
	uint32_t numbers[3];

	if (!note || !read_number(pid, note + descriptor->note_pid, &numbers[0]) ||
	    !read_number(pid, note + descriptor->note_tid, &numbers[1]) ||
	    !read_number(pid, note + descriptor->note_call, &fork.call) ||
	    !proc_memory_read(pid, note + descriptor->note_time_ns, &fork.time_ns, sizeof(fork.time_ns)) ||
	    !read_number(pid, note + descriptor->note_count, &numbers[2]) ||
	    !read_number(pid, note + descriptor->note_flags, &fork.stack_flags) ||
	    !proc_memory_read(pid, note + descriptor->note_exact_mask, &fork.exact_mask,
	                      sizeof(fork.exact_mask)) ||
	    numbers[2] > TRACE_STACK_FRAMES_MAX ||
	    !proc_memory_read(pid, note + descriptor->note_pcs, fork.pc, numbers[2] * sizeof(*fork.pc)))
		return;
	fork.pid = (pid_t)numbers[0];
	fork.tid = (pid_t)numbers[1];
	fork.frame_count = numbers[2];
	*ret_fork = fork;
}

/* One that is just being written, or an earlier process's, counts as none. */
static void read_handover(pid_t pid, const struct library_state *state, struct library_handover *ret_handover)
{
	const struct trace_descriptor *at = &state->descriptor;
	struct library_handover handover = {0};
	uint64_t ticket, waiter;
	uint32_t tid, waiter_tid;

	if (state->is_fresh || !state->generation ||
	    !read_address(pid, at->handover + at->handover_ticket, &ticket) ||
	    ticket != (uint64_t)state->generation * 2 ||
	    !read_address(pid, at->handover + at->handover_object, &handover.object) ||
	    !read_number(pid, at->handover + at->handover_kind, &handover.kind) ||
	    !read_number(pid, at->handover + at->handover_call, &handover.call) ||
	    !read_number(pid, at->handover + at->handover_tid, &tid) ||
	    !read_number(pid, at->handover + at->handover_waiting_count, &handover.waiting_count) ||
	    !read_number(pid, at->handover + at->handover_calls, &handover.calls) ||
	    !read_number(pid, at->handover + at->handover_count, &handover.frame_count) ||
	    !read_number(pid, at->handover + at->handover_flags, &handover.stack_flags) ||
	    !read_address(pid, at->handover + at->handover_exact_mask, &handover.exact_mask) ||
	    !read_address(pid, at->handover + at->handover_waiter, &waiter) ||
	    !read_number(pid, waiter + at->thread_owner_tid, &waiter_tid) ||
	    handover.frame_count > TRACE_STACK_FRAMES_MAX ||
	    !proc_memory_read(pid, at->handover + at->handover_pcs, handover.pc,
	                      handover.frame_count * sizeof(*handover.pc)))
		return;
	handover.tid = (pid_t)tid;
	handover.waiter_tid = (pid_t)waiter_tid;
	*ret_handover = handover;
}

bool library_state_read(pid_t pid, const struct proc_maps *maps, struct library_state *ret_state)
{
	struct library_state state = {0};
	struct trace_descriptor *at = &state.descriptor;
	uint32_t noted_pid, live, vanished, mode;
	uint64_t mode_word;
	bool initialised;

	if (!find_descriptor(pid, maps, at) ||
	    !proc_memory_read(pid, at->mode_word, &mode_word, sizeof(mode_word)) ||
	    !read_number(pid, mode_word, &mode) ||
	    !read_number(pid, at->process + at->process_pid, &noted_pid) ||
	    !read_number(pid, at->process + at->process_generation, &state.generation) ||
	    !read_number(pid, at->process + at->process_live_threads, &live) ||
	    !read_number(pid, at->process + at->process_vanished_threads, &vanished) ||
	    !read_number(pid, at->process + at->process_atfork_handlers, &state.atfork_handlers) ||
	    !proc_memory_read(pid, at->process + at->process_rings_ns, &state.rings_ns,
	                      sizeof(state.rings_ns)) ||
	    !proc_memory_read(pid, at->process + at->process_initialised, &initialised,
	                      sizeof(initialised)) ||
	    !initialised)
		return false;
	state.is_fresh = mode == 0;
	state.shares_memory = !state.is_fresh && (pid_t)noted_pid != pid;
	state.vanished_threads = vanished + (state.is_fresh && live > 0 ? live - 1 : 0);
	read_fork(pid, at,
	          state.is_fresh ? find_fresh_note(pid, at) : find_entered_note(pid, at, state.generation),
	          &state.fork);
	read_handover(pid, &state, &state.handover);
	*ret_state = state;
	return true;
}
