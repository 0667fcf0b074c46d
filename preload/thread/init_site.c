#include "init_site.h"

#include "address_set.h"

enum { SETS_LOG2 = 12, WAYS = 4, BUSY = 1 /* no lock's address */ };

struct init_site {
	_Atomic uint64_t lock;
	uint64_t pc[CALL_SITE_FRAMES];
	uint32_t epoch;
};

enum { SET_SIZE_BYTES = WAYS * sizeof(struct init_site) };

static address_set_group groups[ADDRESS_SET_GROUPS(SETS_LOG2)];
_Atomic uint32_t init_site_epoch_now = 1;

static struct init_site *find(const void *lock)
{
	struct init_site *set = address_set_find(groups, SETS_LOG2, SET_SIZE_BYTES, lock);
	for (int way = 0; set && way < WAYS; way++) {
		if (atomic_load_explicit(&set[way].lock, memory_order_acquire) == (uint64_t)(uintptr_t)lock)
			return &set[way];
	}
	return NULL;
}

/* Takes a slot of the set for writing: the lock's own, else a free one, else the one whose turn the address
 * makes it. NULL when another thread is writing it. */
static struct init_site *take_slot(struct init_site *set, const void *lock)
{
	struct init_site *slot = &set[(uintptr_t)lock >> 6 & (WAYS - 1)];
	for (int way = WAYS; way-- > 0;) {
		uint64_t present = atomic_load_explicit(&set[way].lock, memory_order_relaxed);
		if (present == (uint64_t)(uintptr_t)lock) {
			slot = &set[way];
			break;
		}
		if (present == 0)
			slot = &set[way];
	}
	uint64_t present = atomic_load_explicit(&slot->lock, memory_order_relaxed);
	bool taken = present != BUSY && atomic_compare_exchange_strong(&slot->lock, &present, BUSY);
	return taken ? slot : NULL;
}

void init_site_record(struct thread_record *self, const void *lock, const struct call_registers *regs)
{
	uint32_t now = atomic_fetch_add_explicit(&init_site_epoch_now, 1, memory_order_relaxed) + 1;
	struct init_site *set = address_set_make(groups, SETS_LOG2, SET_SIZE_BYTES, lock);
	struct init_site *slot = set ? take_slot(set, lock) : NULL;
	if (!slot)
		return;
	struct call_site site;
	thread_record_capture_site(self, regs, &site);
	__builtin_memcpy(slot->pc, site.pc, sizeof slot->pc);
	slot->epoch = now;
	atomic_store_explicit(&slot->lock, (uint64_t)(uintptr_t)lock, memory_order_release);
}

void init_site_forget(const void *lock)
{
	struct init_site *slot = find(lock);
	if (slot)
		atomic_store_explicit(&slot->lock, 0, memory_order_release);
}

uint32_t init_site_epoch_of(const void *lock)
{
	const struct init_site *slot = find(lock);
	return slot ? slot->epoch : 0;
}

bool init_site_find(const void *lock, struct kept_stack *ret_stack)
{
	const struct init_site *slot = find(lock);
	if (!slot)
		return false;
	uint32_t count = 0;
	while (count < CALL_SITE_FRAMES && slot->pc[count])
		count++;
	__builtin_memcpy(ret_stack->pc, slot->pc, sizeof slot->pc);
	ret_stack->count = count;
	ret_stack->exact = 0;
	ret_stack->flags = count == CALL_SITE_FRAMES ? TRACE_STACK_TRUNCATED : 0;
	return true;
}
