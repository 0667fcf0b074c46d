#include "wake_site.h"

#include "fork_snapshot.h"
#include "handover.h"
#include "module_map.h"

enum { BUSY = 1 /* no object's address */ };

address_set_group wake_site_groups[ADDRESS_SET_GROUPS(WAKE_SITE_SETS_LOG2)];

static bool take(struct wake_site *site)
{
	uint64_t present = atomic_load_explicit(&site->object, memory_order_relaxed);
	return present != BUSY && atomic_compare_exchange_strong(&site->object, &present, BUSY);
}

/* The slot of an object that has none: a free one, else the one whose turn the address makes it. NULL when
 * another thread is writing it. */
static struct wake_site *take_new(const void *object)
{
	struct wake_site *set =
	    address_set_make(wake_site_groups, WAKE_SITE_SETS_LOG2, WAKE_SITE_SET_SIZE_BYTES, object);
	if (!set)
		return NULL;
	struct wake_site *site = &set[(uintptr_t)object >> 6 & (WAKE_SITE_WAYS - 1)];
	for (int way = WAKE_SITE_WAYS; way-- > 0;) {
		if (atomic_load_explicit(&set[way].object, memory_order_relaxed) == 0)
			site = &set[way];
	}
	if (!take(site))
		return NULL;
	site->facts = (struct wake_facts){.generation = process.generation};
	return site;
}

static struct wake_site *take_any(const void *object)
{
	struct wake_site *site = wake_site_of(object);
	if (!site)
		return take_new(object);
	return take(site) ? site : NULL;
}

static void give(struct wake_site *site, const void *object)
{
	atomic_store_explicit(&site->object, (uint64_t)(uintptr_t)object, memory_order_release);
}

void wake_site_init(const void *object, uint32_t initial_value)
{
	struct wake_site *site = take_any(object);
	if (!site)
		return;
	site->facts = (struct wake_facts){
	    .generation = process.generation,
	    .initial_value = initial_value,
	    .by_others = site->facts.by_others || initial_value == 0,
	    .after_handover = handover_find() != NULL,
	};
	give(site, object);
}

void wake_site_see(const void *object)
{
	struct wake_site *site = wake_site_of(object) ? NULL : take_new(object);
	if (!site)
		return;
	if (module_map_find_data((uint64_t)(uintptr_t)object))
		site->facts.generation = 0;
	give(site, object);
}

static bool is_full(const struct wake_facts *facts, const struct thread_record *self, bool holds)
{
	for (int i = 0; i < WAKE_SITE_WAKERS && !holds; i++) {
		const struct waker *waker = &facts->wakers[i];
		if (!waker->thread)
			return false;
		if (waker->thread == self && waker->generation == self->generation)
			break;
	}
	return holds ? facts->by_holder : facts->by_others;
}

static void add_waker(struct wake_facts *facts, struct thread_record *self, unsigned call,
                      const struct call_registers *regs)
{
	struct waker *waker = facts->wakers;
	while (waker < facts->wakers + WAKE_SITE_WAKERS && waker->thread && waker->thread != self)
		waker++;
	if (waker == facts->wakers + WAKE_SITE_WAKERS)
		return;
	struct call_site site;
	thread_record_capture_site(self, regs, &site);
	*waker = (struct waker){.thread = self,
	                        .tid = self->owner_tid,
	                        .generation = self->generation,
	                        .past = {.call = (uint16_t)call}};
	__builtin_memcpy(waker->past.pc, site.pc, sizeof waker->past.pc);
}

void wake_site_wake(struct thread_record *self, const void *object, unsigned call, bool holds,
                    const struct call_registers *regs)
{
	struct wake_site *site = wake_site_of(object);
	if (site && is_full(&site->facts, self, holds))
		return;
	site = take_any(object);
	if (!site)
		return;
	if (!holds)
		add_waker(&site->facts, self, call, regs);
	site->facts.by_holder |= holds;
	site->facts.by_others |= !holds;
	give(site, object);
}

void wake_site_forget(const void *object, bool clean)
{
	struct wake_site *site = wake_site_of(object);
	if (!site || !take(site))
		return;
	if (clean)
		site->facts.by_others = false;
	site->facts =
	    (struct wake_facts){.generation = process.generation, .by_others = site->facts.by_others};
	give(site, site->facts.by_others ? object : NULL);
}

bool wake_site_find(const void *object, struct wake_facts *ret_facts)
{
	const struct wake_site *site = wake_site_of(object);
	if (!site)
		return false;
	*ret_facts = site->facts;
	return true;
}

bool wake_site_is_lock(const void *semaphore)
{
	const struct wake_site *site = wake_site_of(semaphore);
	return site && site->facts.by_holder && wake_site_may_be_lock(semaphore);
}

bool wake_site_may_be_lock(const void *semaphore)
{
	const struct wake_site *site = wake_site_of(semaphore);
	return !site || (!site->facts.by_others && site->facts.initial_value <= 1);
}
