/* Rules of this file: as in fork_snapshot.c, but for gnu_get_libc_version(), which returns a constant. */
#include "libc_check.h"

#include <gnu/libc-version.h>

#include "luck_check.h"
#include "luck_shared.h"

enum { NEVER = 1000, BRIEF, LOCKED, LENGTHY, ALWAYS, SELDOM };

const uint64_t libc_check_stand_ins[LIBC_FAMILY_LIMIT];

struct family_row {
	uint8_t beside;
	uint16_t until, span, takes;
};
static const struct family_row families[LIBC_FAMILY_LIMIT] = {
#define LIBC_FAMILY(id, tag, name, length, use, beside_tag, until_minor)                                     \
	[id] = {.beside = LIBC_##beside_tag, .until = until_minor, .span = length, .takes = use},
#include "trace_libc_families.def"
#undef LIBC_FAMILY
};

/* The incident that the calling thread is inside of. Values only: what a longjmp left behind does no harm. */
static __thread struct libc_use innermost __attribute__((tls_model("initial-exec")));

enum libc_family libc_check_family_of(const struct held_entry *entry)
{
	uint64_t number =
	    (entry->lock - (uint64_t)(uintptr_t)libc_check_stand_ins) / sizeof *libc_check_stand_ins;
	bool counts = entry->kind == TRACE_LOCK_LIBC && number < LIBC_FAMILY_LIMIT &&
	              atomic_load(&entry->state) != TRACE_HOLD_NONE;
	return counts ? (enum libc_family)number : LIBC_none;
}

enum libc_family libc_check_common_lock(enum libc_family a, enum libc_family b)
{
	if (a == b || families[b].beside == a)
		return a;
	return families[a].beside == b || families[a].beside == families[b].beside ? families[a].beside
	                                                                           : LIBC_none;
}

bool libc_check_holds_inside(enum libc_family family)
{
	return families[family].span != LENGTHY && libc_check_takes_always(family) &&
	       libc_check_may_stay_locked(family);
}

bool libc_check_takes_always(enum libc_family family)
{
	return families[family].takes == ALWAYS;
}

bool libc_check_may_stay_locked(enum libc_family family)
{
	unsigned minor = 0;
	const char *version = gnu_get_libc_version();
	if (version[0] != '2' || version[1] != '.')
		return true;
	for (const char *digit = version + 2; *digit >= '0' && *digit <= '9'; digit++)
		minor = minor * 10 + (unsigned)(*digit - '0');
	return minor < families[family].until;
}

/* Who was inside at the fork. Somebody inside a function of the same family counts before those in one that
 * merely takes the lock too; of several equals the holder is not known. */
struct search {
	enum libc_family wanted;
	enum libc_family lock;
	struct thread_record *thread;
	uint32_t entry;
	unsigned call; /* 0: they were inside different functions */
	unsigned count;
};

static void consider(struct search *search, struct thread_record *thread, uint32_t index)
{
	const struct held_entry *entry = &thread->held[index];
	enum libc_family family = libc_check_family_of(entry);
	enum libc_family lock = family ? libc_check_common_lock(search->wanted, family) : LIBC_none;
	if (!lock || !libc_check_may_stay_locked(lock))
		return;
	bool is_same = family == search->wanted;
	bool was_same =
	    search->thread && libc_check_family_of(&search->thread->held[search->entry]) == search->wanted;
	if (search->count && is_same == was_same) {
		search->count += thread != search->thread;
		search->call = search->call == entry->call ? search->call : 0;
	} else if (!search->count || is_same) {
		search->lock = lock;
		search->thread = thread;
		search->entry = index;
		search->call = entry->call;
		search->count = 1;
	}
}

/* What the entries of the calling thread itself say. False: it is inside such a function already, since the
 * fork; if it hangs, it hangs on itself. One that it was inside of at the fork counts as anybody's. */
static bool consider_self(struct search *search, struct thread_record *self)
{
	for (uint32_t i = atomic_load(&self->held_count); i-- > 0;) {
		enum libc_family family = libc_check_family_of(&self->held[i]);
		if (!family || !libc_check_common_lock(search->wanted, family))
			continue;
		if (!self->held[i].former_tid)
			return false;
		consider(search, self, i);
	}
	return true;
}

static void consider_vanished(struct search *search)
{
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		if (!fork_snapshot_is_vanished(thread))
			continue;
		uint32_t count = atomic_load(&thread->held_count);
		for (uint32_t i = count < thread->held_capacity ? count : thread->held_capacity; i-- > 0;)
			consider(search, thread, i);
	}
}

static const struct fork_note *note_of(const struct search *search, const struct thread_record *self)
{
	if (search->thread != self)
		return fork_snapshot_note_of(search->thread);
	return fork_snapshot_note_by(self->held[search->entry].former_tid);
}

static void describe(struct incident *suspect, const struct search *search)
{
	suspect->observed = TRACE_ENTERS_LIBC_LEFT_LOCKED;
	suspect->proof = TRACE_PROOF_RECORD;
	if (atomic_load(&process.live_threads) == 1)
		suspect->proof |= TRACE_PROOF_ONLY_THREAD;
	suspect->lock = libc_check_lock(search->lock);
	suspect->state.type = search->lock;
	suspect->fork = note_of(search, suspect->victim);
	suspect->holder_call = search->call;
	if (search->count > 1)
		return;
	suspect->holder = search->thread;
	suspect->holder_entry = search->entry;
	suspect->holder_tid = thread_record_owner_of(search->thread, &search->thread->held[search->entry]);
}

void libc_check_before(struct libc_use *ret_use, struct thread_record *self, enum libc_family family,
                       unsigned call, const struct call_registers *regs)
{
	struct search search = {.wanted = family};
	*ret_use = (struct libc_use){0};
	libc_check_past();
	luck_check_ran_on(self, libc_check_lock(family), call, regs);
	if (!process_is_child() || !consider_self(&search, self))
		return;
	consider_vanished(&search);
	struct incident suspect = {.lock = libc_check_lock(family),
	                           .kind = TRACE_LOCK_LIBC,
	                           .state = {.type = family},
	                           .victim = self,
	                           .call = call,
	                           .regs = *regs,
	                           .holder_entry = UINT32_MAX};
	if (!search.count) {
		luck_shared_took(&suspect, false);
		return;
	}
	describe(&suspect, &search);
	ret_use->lock = search.lock;
	ret_use->handle = incident_write(&suspect);
	ret_use->generation = process.generation;
	innermost = *ret_use;
}

void libc_check_after(struct libc_use *use)
{
	if (use->handle.record && use->handle.record == innermost.handle.record &&
	    use->generation == innermost.generation)
		libc_check_past();
}

void libc_check_past(void)
{
	if (innermost.handle.record && innermost.generation == process.generation) {
		incident_returned(innermost.handle, 0);
		luck_check_was_free(libc_check_lock(innermost.lock));
	}
	innermost = (struct libc_use){0};
}
