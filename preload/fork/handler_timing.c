#include "handler_timing.h"

#include <stdatomic.h>
#include <x86intrin.h>

#include "atfork_registry.h"
#include "placement.h"
#include "real.h"
#include "trace_writer.h"

enum { MARKS_MAX = 256, TAKEN_MAX = 8, SUSPECT_TICKS = 1 << 28 }; /* less than a tenth of a second */
static const uint64_t SLOW_NS = 500000000;

static uint32_t marked[MARKS_MAX] PAGES_OF_ITS_OWN; /* registrations in the order in which they were made */
static _Atomic uint32_t marked_count;
static uint64_t base_ticks, base_ns; /* read together: they tell how long a tick is */
extern void *__dso_handle;

/* Of the thread's present fork. The child goes on with its copy. */
static __thread struct {
	uint64_t since;
	uint64_t longest;
	uint32_t calls; /* of marks */
	uint32_t longest_after;
	enum atfork_phase phase;
	uint64_t called_from,
	    prepared_from; /* where libc calls the handlers of that phase, of the first one */
	uint32_t held;     /* locks, before the handler that runs */
	uint32_t taken_count;
	struct {
		uint64_t lock, handler;
	} taken[TAKEN_MAX]; /* by prepare handlers */
} lap __attribute__((tls_model("initial-exec")));

static void tell(uint32_t position, enum atfork_phase phase, uint64_t ticks)
{
	uint64_t now_ns = trace_writer_now_ns(), all_ticks = __rdtsc() - base_ticks;
	if (position >= atomic_load(&marked_count) || now_ns <= base_ns || ticks > all_ticks)
		return;
	uint64_t ns = (uint64_t)((double)(now_ns - base_ns) * ((double)ticks / (double)all_ticks));
	if (ns >= SLOW_NS)
		atfork_registry_note_slow(marked[position], phase, ns);
}

static void end_lap(uint64_t now)
{
	if (lap.calls == 0 || now - lap.since <= lap.longest)
		return;
	lap.longest = now - lap.since;
	lap.longest_after = lap.calls - 1;
}

static uint64_t running(void)
{
	uint32_t count = atomic_load_explicit(&marked_count, memory_order_relaxed);
	/* The last registered runs first, and behind its mark. */
	uint32_t position = lap.phase == ATFORK_PREPARE ? count - lap.calls : lap.calls;
	return position < count ? atfork_registry_handler(marked[position], lap.phase) : 0;
}

uint64_t handler_timing_running(uint64_t called_from)
{
	return called_from == lap.called_from ? running() : 0;
}

uint64_t handler_timing_taker(uint64_t lock, uint64_t called_from)
{
	for (uint32_t i = 0; i < lap.taken_count && called_from == lap.prepared_from; i++) {
		if (lap.taken[i].lock == lock)
			return lap.taken[i].handler;
	}
	return 0;
}

static void note_taken(void)
{
	const struct thread_record *self = thread_record_self;
	uint32_t held = self ? atomic_load(&self->held_count) : 0;
	for (uint32_t i = lap.held; lap.calls && i < held && lap.taken_count < TAKEN_MAX; i++) {
		lap.taken[lap.taken_count].lock = self->held[i].lock;
		lap.taken[lap.taken_count++].handler = running();
	}
	lap.held = held;
}

/* The last registered runs first: how many there are shows at the end. */
static void mark_prepare(void)
{
	uint64_t now = __rdtsc();
	end_lap(now);
	note_taken();
	lap.called_from = lap.prepared_from = (uint64_t)(uintptr_t)__builtin_return_address(0);
	lap.since = now;
	lap.calls++;
}

void handler_timing_prepare_begins(void)
{
	if (atomic_load_explicit(&marked_count, memory_order_relaxed) == 0)
		return;
	lap.phase = ATFORK_PREPARE;
	lap.calls = 0;
	lap.longest = 0;
	lap.taken_count = 0;
}

void handler_timing_prepare_ends(void)
{
	if (atomic_load_explicit(&marked_count, memory_order_relaxed) == 0)
		return;
	end_lap(__rdtsc());
	note_taken();
	/* Fewer or more where a handler forked, or registered others. */
	if (lap.longest >= SUSPECT_TICKS && lap.calls == atomic_load(&marked_count))
		tell(lap.calls - 1 - lap.longest_after, ATFORK_PREPARE, lap.longest);
	lap.calls = 0; /* of the next fork, should it come by a road without a wrapper */
	lap.longest = 0;
}

CHILD_CODE void handler_timing_begins(enum atfork_phase phase, const void *called_from)
{
	if (atomic_load_explicit(&marked_count, memory_order_relaxed) == 0)
		return;
	lap.phase = phase;
	lap.called_from = (uint64_t)(uintptr_t)called_from;
	lap.calls = 0;
	lap.since = __rdtsc();
}

CHILD_CODE static void mark_after(enum atfork_phase phase)
{
	uint64_t ticks = __rdtsc() - lap.since;
	if (ticks >= SUSPECT_TICKS)
		tell(lap.calls, phase, ticks);
	lap.calls++;
	lap.since = __rdtsc();
}

static void mark_parent(void)
{
	mark_after(ATFORK_PARENT);
}

CHILD_CODE static void mark_child(void)
{
	mark_after(ATFORK_CHILD);
}

void handler_timing_add(uint32_t registration)
{
	if (!base_ns) {
		base_ticks = __rdtsc();
		base_ns = trace_writer_now_ns();
	}
	if (registration >= MARKS_MAX ||
	    real.__register_atfork(mark_prepare, mark_parent, mark_child, &__dso_handle) != 0)
		return;
	marked[atomic_fetch_add(&marked_count, 1)] = registration;
}
