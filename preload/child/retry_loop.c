#include "retry_loop.h"

#include "arena.h"
#include "child_wait.h"
#include "deadlock_action.h"
#include "retry_proof.h"

struct retry_loop {
	struct retry retry;  /* lock 0: none */
	uint32_t generation; /* of the process; what an ancestor tried is over */
	uint32_t tries;
	bool is_proven; /* provided that the next try is of the same lock */
	bool is_private;
	struct incident_handle met, endless;
};

static bool is_same(const struct retry_loop *loop, const struct incident *try)
{
	return loop->generation == process.generation && loop->retry.lock == (uint64_t)(uintptr_t)try->lock &&
	       loop->retry.call == try->call && loop->retry.regs.pc == try->regs.pc &&
	       loop->retry.regs.sp == try->regs.sp && loop->retry.regs.bp == try->regs.bp;
}

void retry_loop_leave(struct thread_record *self)
{
	struct retry_loop *loop = self ? self->retry : NULL;
	if (!loop || !loop->retry.lock)
		return;
	if (loop->generation == process.generation)
		incident_returned(loop->endless, 0);
	*loop = (struct retry_loop){0};
}

struct incident_handle retry_loop_enter(const struct incident *try)
{
	const struct retry_loop *loop = try->victim->retry;
	if (loop && is_same(loop, try))
		return loop->met;
	retry_loop_leave(try->victim);
	return (struct incident_handle){0};
}

/* The tries so far whose turn it is: the 1st, 2nd, 4th, 8th, ... */
static bool is_turn(const struct retry_loop *loop)
{
	return !(loop->tries & (loop->tries - 1));
}

bool retry_loop_is_private(const struct incident *try)
{
	const struct retry_loop *loop = try->victim->retry;
	return loop && loop->is_private && is_same(loop, try) && !is_turn(loop);
}

static struct retry_loop *begin(const struct incident *try, struct incident_handle handle)
{
	struct thread_record *self = try->victim;
	if (!self->retry)
		self->retry = arena_alloc(sizeof *self->retry);
	if (self->retry)
		*self->retry = (struct retry_loop){
		    .retry = {(uint64_t)(uintptr_t)try->lock, try->call, try->regs, &self->bounds},
		    .generation = process.generation,
		    .is_private = try->proof & TRACE_PROOF_PRIVATE_MAPPING,
		    .met = handle,
		};
	return self->retry;
}

static void tell(struct retry_loop *loop, const struct incident *try)
{
	struct incident endless = *try;
	endless.observed = TRACE_SPINS_ON_VANISHED;
	if (!child_wait_nobody_is_left(&endless))
		return;
	loop->endless = incident_write(&endless);
	deadlock_action(&endless);
}

/* The way to the next try is looked at after the second and then ever more seldom, since handlers and threads
 * come and go; what is proven then counts from the try after that. */
static void prove(struct retry_loop *loop, const struct incident *try, int error)
{
	if (loop->is_proven && !loop->endless.record)
		tell(loop, try);
	loop->is_proven = false;
	if (loop->endless.record || loop->tries < 2 || !is_turn(loop))
		return;
	loop->is_proven = retry_proof_find(&loop->retry, error) != RETRY_UNPROVEN;
}

void retry_loop_failed(const struct incident *try, struct incident_handle handle, int error)
{
	struct retry_loop *loop = try->victim->retry;
	if (!loop || !is_same(loop, try))
		loop = begin(try, handle);
	if (!loop)
		return;
	if (loop->tries < UINT32_MAX)
		loop->tries++;
	prove(loop, try, error);
	incident_tried(loop->met, loop->tries);
	incident_tried(loop->endless, loop->tries);
}
