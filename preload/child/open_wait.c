#include "open_wait.h"

#include <errno.h>

#include "arena.h"

enum { WAITS_MAX = 4 }; /* one, and in each handler that interrupts the one before one more */

struct open_waits {
	uint32_t count, generation; /* of the process: what an ancestor's thread waited for is not ours */
	struct {
		struct incident_handle handle;
		uint64_t sp;
	} waits[WAITS_MAX];
};

/* NULL: none. */
static struct open_waits *waits_of(struct thread_record *self)
{
	struct open_waits *open = self ? self->waits : NULL;
	return open && open->count && open->generation == process.generation ? open : NULL;
}

static bool is_on(const struct stack_bounds *bounds, uint64_t sp)
{
	return sp >= bounds->low && sp < bounds->high;
}

void open_wait_begin(struct thread_record *self, struct incident_handle handle, uint64_t sp)
{
	if (!self || !handle.record)
		return;
	open_wait_leave(self, sp);
	if (!self->waits)
		self->waits = arena_alloc(sizeof *self->waits);
	struct open_waits *open = self->waits;
	if (!open)
		return;
	if (open->generation != process.generation)
		*open = (struct open_waits){.generation = process.generation};
	if (open->count == WAITS_MAX)
		return;
	open->waits[open->count].handle = handle;
	open->waits[open->count].sp = sp;
	open->count++;
}

void open_wait_end(struct thread_record *self, struct incident_handle handle)
{
	struct open_waits *open = waits_of(self);
	for (uint32_t i = open ? open->count : 0; i-- > 0;) {
		if (open->waits[i].handle.record != handle.record)
			continue;
		open->count = i;
		return;
	}
}

/* incident_returned() takes the wait off the list. */
static void leave_last(const struct open_waits *open)
{
	incident_returned(open->waits[open->count - 1].handle, EINTR);
}

void open_wait_leave(struct thread_record *self, uint64_t sp)
{
	struct open_waits *open = waits_of(self);
	while (open && open->count && open->waits[open->count - 1].sp <= sp &&
	       is_on(&self->bounds, open->waits[open->count - 1].sp) && is_on(&self->bounds, sp))
		leave_last(open);
}

/* A jump inside of the handler that interrupts the wait, which runs below it or on a stack of its own. */
static bool is_beside(const struct stack_bounds *bounds, uint64_t wait_sp, uint64_t from_sp, uint64_t to_sp)
{
	return (to_sp >= from_sp && to_sp < wait_sp) ||
	       (is_on(bounds, wait_sp) && !is_on(bounds, from_sp) && !is_on(bounds, to_sp));
}

void open_wait_jump(struct thread_record *self, uint64_t from_sp, uint64_t to_sp)
{
	struct open_waits *open = waits_of(self);
	while (open && open->count &&
	       !is_beside(&self->bounds, open->waits[open->count - 1].sp, from_sp, to_sp))
		leave_last(open);
}

void open_wait_leave_all(struct thread_record *self)
{
	struct open_waits *open = waits_of(self);
	while (open && open->count)
		leave_last(open);
}
