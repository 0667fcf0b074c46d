#include "handler_timing.h"

#include <stdatomic.h>
#include <x86intrin.h>

#include "atfork_registry.h"
#include "placement.h"
#include "real.h"
#include "trace_writer.h"

enum { MARKS_MAX = 256, SUSPECT_TICKS = 1 << 28 }; /* less than a tenth of a second */
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

/* The last registered runs first: how many there are shows at the end. */
static void mark_prepare(void)
{
	uint64_t now = __rdtsc();
	end_lap(now);
	lap.since = now;
	lap.calls++;
}

void handler_timing_prepare_begins(void)
{
	if (atomic_load_explicit(&marked_count, memory_order_relaxed) == 0)
		return;
	lap.calls = 0;
	lap.longest = 0;
}

void handler_timing_prepare_ends(void)
{
	if (atomic_load_explicit(&marked_count, memory_order_relaxed) == 0)
		return;
	end_lap(__rdtsc());
	/* Fewer or more where a handler forked, or registered others. */
	if (lap.longest >= SUSPECT_TICKS && lap.calls == atomic_load(&marked_count))
		tell(lap.calls - 1 - lap.longest_after, ATFORK_PREPARE, lap.longest);
	handler_timing_prepare_begins(); /* of the next fork, should it come by a road without a wrapper */
}

CHILD_CODE void handler_timing_begins(void)
{
	if (atomic_load_explicit(&marked_count, memory_order_relaxed) == 0)
		return;
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
