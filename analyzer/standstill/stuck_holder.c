#include "stuck_holder.h"

#include <stdlib.h>
#include <string.h>

/* The record keeps return addresses, and the place of the last of them: from there on the stack is walked, as
 * long as that place still holds it. */
static size_t walk_on(const struct stuck_vanished *thread, const struct library_hold *hold,
                      struct stack_reader *reader, struct stack_frame *ret_frames, size_t max,
                      unsigned *ret_flags)
{
	const struct stack_source *copy = &thread->stack;
	struct stack_source source = *copy;
	uint64_t at_slot, last = hold->pc[hold->frame_count - 1];

	*ret_flags = TRACE_STACK_CUT;
	if (!hold->outer_slot || hold->outer_slot < copy->memory_start ||
	    copy->memory_size_bytes < sizeof(at_slot) ||
	    hold->outer_slot - copy->memory_start > copy->memory_size_bytes - sizeof(at_slot))
		return 0;
	memcpy(&at_slot, copy->memory + (hold->outer_slot - copy->memory_start), sizeof(at_slot));
	if (at_slot != last)
		return 0;
	/* The rule is that of the call, not that of what follows it. */
	source.registers[STACK_REGISTER_PC] = last - 1;
	source.registers[STACK_REGISTER_SP] = hold->outer_slot + sizeof(at_slot);
	source.registers[STACK_REGISTER_BP] = hold->outer_bp;
	size_t count = stack_reader_walk(reader, &source, ret_frames, max, ret_flags);
	memmove(ret_frames, ret_frames + 1, (count - 1) * sizeof(*ret_frames));
	return count - 1;
}

void stuck_holder_describe(const struct stuck_vanished *thread, const struct library_hold *hold,
                           struct stack_reader *reader, struct stuck_holder *ret_holder)
{
	struct stuck_holder holder = {.thread = thread, .hold = hold};

	*ret_holder = holder;
	if (!hold || !hold->frame_count)
		return;
	holder.frames = calloc(TRACE_STACK_FRAMES_MAX, sizeof(*holder.frames));
	if (!holder.frames)
		return;
	for (; holder.frame_count < hold->frame_count; holder.frame_count++)
		stack_reader_describe(reader, hold->pc[holder.frame_count], false,
		                      &holder.frames[holder.frame_count]);
	if (!hold->is_whole)
		holder.frame_count += walk_on(thread, hold, reader, holder.frames + holder.frame_count,
		                              TRACE_STACK_FRAMES_MAX - holder.frame_count, &holder.flags);
	*ret_holder = holder;
}

/* Index of the frame of libc's function of that name, or SIZE_MAX. */
static size_t find_function(const struct stuck_holder *holder, const char *function)
{
	for (size_t i = 0; i < holder->frame_count; i++)
		if (stuck_stack_is_libc(&holder->frames[i]) &&
		    strcmp(stuck_stack_plain_name(holder->frames[i].function), function) == 0)
			return i;
	return SIZE_MAX;
}

/* True for one that was inside the function; then its stack begins there. */
static bool was_inside(const struct stuck_vanished *thread, const char *function, struct stack_reader *reader,
                       struct stuck_holder *ret_holder)
{
	stuck_holder_describe(thread, stuck_vanished_latest(thread), reader, ret_holder);
	size_t at = find_function(ret_holder, function);
	if (at == SIZE_MAX) {
		stuck_holder_release(ret_holder);
		return false;
	}
	ret_holder->frame_count -= at;
	memmove(ret_holder->frames, ret_holder->frames + at,
	        ret_holder->frame_count * sizeof(*ret_holder->frames));
	ret_holder->hold = NULL; /* what it recorded was another object */
	return true;
}

static void find_inside(const struct stuck_process *process, const char *function,
                        struct stack_reader *reader, struct stuck_holder *ret_holder)
{
	for (size_t i = 0; *function && i < process->vanished.count; i++) {
		struct stuck_holder holder;

		if (!was_inside(&process->vanished.items[i], function, reader, &holder))
			continue;
		if (!ret_holder->thread) {
			*ret_holder = holder;
			continue;
		}
		/* Several were: which of them had the lock nobody knows. */
		stuck_holder_release(&holder);
		stuck_holder_release(ret_holder);
		return;
	}
}

/* The first of those that slept on what was woken; else one that was busy at the fork, and that has only a
 * semaphore in its record still. */
static void find_worker(const struct stuck_process *process, struct stack_reader *reader,
                        struct stuck_holder *ret_holder)
{
	uint64_t object = process->library.handover.object;
	const struct stuck_vanished *worker = stuck_vanished_sleeper_on(&process->vanished, object);

	if (!worker)
		worker = stuck_vanished_find(&process->vanished, process->library.handover.waiter_tid);
	if (worker)
		stuck_holder_describe(worker, stuck_vanished_hold_of(worker, object), reader, ret_holder);
}

void stuck_holder_find(const struct stuck_process *process, struct stack_reader *reader,
                       const struct stuck_judgement *judgement, const struct stuck_stack *stack,
                       struct stuck_holder *ret_holder)
{
	const struct stuck_vanished *owner = stuck_vanished_find(&process->vanished, judgement->owner_tid);

	*ret_holder = (struct stuck_holder){0};
	if (judgement->observed == TRACE_WAITS_FOR_HANDED_WORK)
		find_worker(process, reader, ret_holder);
	else if (owner)
		stuck_holder_describe(owner, stuck_vanished_hold_of(owner, judgement->lock_address), reader,
		                      ret_holder);
	else if (judgement->verdict == STUCK_BY_FORK && judgement->kind == TRACE_LOCK_LIBC)
		find_inside(process, stuck_stack_entry(stack), reader, ret_holder);
}

void stuck_holder_release(struct stuck_holder *holder)
{
	free(holder->frames);
	*holder = (struct stuck_holder){0};
}
