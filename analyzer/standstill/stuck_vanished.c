#include "stuck_vanished.h"

#include <stdio.h>
#include <stdlib.h>

#include "proc_lock.h"
#include "proc_memory.h"
#include "proc_stat.h"

enum {
	STACK_COPY_MAX = 64 << 10, /* of one thread */
	STACKS_MAX = 64,           /* of so many threads */
};

/* From the lowest place on that a walk would begin at. */
static void copy_stack(pid_t pid, const struct proc_maps *maps, struct stuck_vanished *vanished)
{
	uint64_t start = UINT64_MAX;

	for (uint32_t i = 0; i < vanished->known.hold_count; i++) {
		uint64_t slot = vanished->known.holds[i].outer_slot;

		start = slot && slot < start ? slot : start;
	}
	stack_source_copy_memory(pid, maps, start, STACK_COPY_MAX, &vanished->stack);
}

/* Of a mutex the record says "wanted" for as long as it is held; its own word says which it is. */
static void settle_mutex(pid_t pid, struct library_thread *thread)
{
	struct library_hold *latest = thread->hold_count ? &thread->holds[thread->hold_count - 1] : NULL;
	struct proc_mutex mutex;

	if (latest && latest->kind == TRACE_LOCK_MUTEX && latest->state == TRACE_HOLD_WANT &&
	    proc_memory_read(pid, latest->lock, &mutex, sizeof(mutex)) && mutex.lock &&
	    mutex.owner == thread->owner_tid)
		latest->state = TRACE_HOLD_HELD;
}

static bool add(struct stuck_vanished_list *list, const struct library_thread *thread)
{
	struct stuck_vanished *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return false;
	list->items = items;
	items[list->count++] = (struct stuck_vanished){.known = *thread};
	return true;
}

/* Without the library, or where its records cannot be told apart. */
static void add_from_parent(const struct stuck_parent *parent, pid_t parent_pid,
                            struct stuck_vanished_list *list)
{
	struct proc_stat stat;

	for (size_t i = 0; i < parent->count && parent->forking_tid; i++) {
		struct library_thread thread = {.tid = parent->tids[i], .owner_tid = parent->tids[i]};

		if (thread.tid == parent->forking_tid || !proc_stat_read(parent_pid, thread.tid, &stat))
			continue;
		snprintf(thread.name, sizeof(thread.name), "%.15s", stat.name);
		if (!add(list, &thread))
			return;
	}
}

void stuck_vanished_take(pid_t pid, const struct library_state *state, const struct stuck_parent *parent,
                         pid_t parent_pid, const struct proc_maps *maps, uint64_t sp,
                         struct stuck_vanished_list *ret_list)
{
	*ret_list = (struct stuck_vanished_list){0};
	if (state && library_threads_read(pid, state, sp, &ret_list->threads))
		ret_list->made_no_threads = !ret_list->threads.made_since;
	for (size_t i = 0; i < ret_list->threads.count; i++) {
		settle_mutex(pid, &ret_list->threads.items[i]);
		if (add(ret_list, &ret_list->threads.items[i]) && i < STACKS_MAX)
			copy_stack(pid, maps, &ret_list->items[ret_list->count - 1]);
	}
	if (!ret_list->count)
		add_from_parent(parent, parent_pid, ret_list);
}

const struct stuck_vanished *stuck_vanished_find(const struct stuck_vanished_list *list, pid_t owner_tid)
{
	for (size_t i = 0; i < list->count; i++)
		if (owner_tid && list->items[i].known.owner_tid == owner_tid)
			return &list->items[i];
	return NULL;
}

const struct library_hold *stuck_vanished_hold_of(const struct stuck_vanished *vanished, uint64_t lock)
{
	for (uint32_t i = vanished->known.hold_count; i-- > 0;)
		if (vanished->known.holds[i].lock == lock)
			return &vanished->known.holds[i];
	return NULL;
}

const struct stuck_vanished *stuck_vanished_sleeper_on(const struct stuck_vanished_list *list,
                                                       uint64_t object)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct library_hold *hold = stuck_vanished_hold_of(&list->items[i], object);

		if (hold && hold->state != TRACE_HOLD_HELD)
			return &list->items[i];
	}
	return NULL;
}

const struct library_hold *stuck_vanished_latest(const struct stuck_vanished *vanished)
{
	uint32_t count = vanished->known.hold_count;

	return count ? &vanished->known.holds[count - 1] : NULL;
}

void stuck_vanished_release(struct stuck_vanished_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].stack.memory);
	free(list->items);
	library_threads_release(&list->threads);
	*list = (struct stuck_vanished_list){0};
}
