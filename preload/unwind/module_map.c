#include "module_map.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "maps_reader.h"
#include "module_scan.h"
#include "raw_syscall.h"
#include "unwind_rules.h"

enum {
	REFRESH_FOR_UNKNOWN_MAX = 1000,
	SLOTS_MAX = 1 << 14,
};

/* What is mapped in [start, end): a module, or executable memory that belongs to none (NULL). */
struct module_slot {
	uint64_t start, end;
	const struct module *module;
};
struct module_table {
	uint32_t count;
	struct module_slot slot[]; /* ascending, disjoint */
};

/* Working memory of one refresh: mapped, used, unmapped. */
struct refresh {
	struct module_scan scan;
	uint32_t slot_count;
	struct module_slot slot[SLOTS_MAX];
};

static _Atomic(const struct module_table *) current_table;
static _Atomic uint32_t refreshing; /* only ever tried: a thread that finds it set goes on without */
static _Atomic uint32_t
    refresh_wanted; /* counts requests, so that one that came during a refresh is not lost */
static _Atomic uint32_t unknown_refreshes;
static _Atomic bool sealed;

/* --- lookups --- */

static const struct module_slot *find_slot(const struct module_table *table, uint64_t address)
{
	uint32_t low = 0, high = table ? table->count : 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (table->slot[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!table || low == table->count || address < table->slot[low].start)
		return NULL;
	return &table->slot[low];
}

static const struct module_table *load_table(void)
{
	return atomic_load_explicit(&current_table, memory_order_acquire);
}

const struct module *module_map_find(uint64_t pc)
{
	const struct module_slot *slot = find_slot(load_table(), pc);
	return slot ? slot->module : NULL;
}

const struct module *module_map_find_data(uint64_t address)
{
	return module_map_find(address);
}

static bool is_refreshing(void)
{
	return atomic_load_explicit(&refreshing, memory_order_relaxed) != 0;
}

bool module_map_look_up(uint64_t pc, const struct module **ret_module)
{
	*ret_module = NULL;
	const struct module_slot *slot = find_slot(load_table(), pc);
	if (slot) {
		*ret_module = slot->module;
		return true;
	}
	if (pc >= MODULE_SCAN_ADDRESS_END || module_map_is_sealed() ||
	    atomic_load_explicit(&unknown_refreshes, memory_order_relaxed) >= REFRESH_FOR_UNKNOWN_MAX)
		return true;
	if (is_refreshing())
		return false;
	atomic_fetch_add_explicit(&unknown_refreshes, 1, memory_order_relaxed);
	if (!module_map_refresh())
		return false;
	*ret_module = module_map_find(pc);
	return true;
}

const struct module *module_map_find_or_refresh(uint64_t pc)
{
	const struct module *module;
	module_map_look_up(pc, &module);
	return module;
}

/* --- building a table --- */

/* The module as kept for ever: the old table's where nothing changed. */
static const struct module *keep_module(const struct module *module, const char *path)
{
	const struct module_slot *old = find_slot(load_table(), module->start);
	if (old && old->module) {
		/* no padding up to there */
		const size_t compared_bytes =
		    offsetof(struct module, build_id_size) + sizeof module->build_id_size;
		if (!memcmp(old->module, module, compared_bytes) && !strcmp(old->module->path, path))
			return old->module;
	}
	size_t size_bytes = strlen(path) + 1;
	struct module *kept = arena_alloc(sizeof *kept + size_bytes);
	if (!kept)
		return NULL;
	*kept = *module;
	kept->path = memcpy(kept + 1, path, size_bytes);
	return kept;
}

static void add_slot(struct refresh *refresh, uint64_t start, uint64_t end, const struct module *module)
{
	struct module_slot *last = refresh->slot_count ? &refresh->slot[refresh->slot_count - 1] : NULL;
	if (last && last->end == start && !last->module && !module)
		last->end = end;
	else if (refresh->slot_count < SLOTS_MAX)
		refresh->slot[refresh->slot_count++] = (struct module_slot){start, end, module};
}

static void find_modules(struct refresh *refresh)
{
	struct module module;
	while (module_scan_next(&refresh->scan, &module))
		add_slot(refresh, module.start, module.end,
		         module.path ? keep_module(&module, module.path) : NULL);
}

struct table_change {
	const struct module_table *before, *after;
};

/* Rules stay only for code of a module that is the same before and after. */
static bool is_rule_stale(uint64_t address, const void *data)
{
	const struct table_change *change = data;
	const struct module_slot *before = find_slot(change->before, address);
	const struct module_slot *after = find_slot(change->after, address);
	return !before || !after || !before->module || before->module != after->module;
}

/* Publishes what was found unless it is what is known. */
static bool publish(const struct refresh *refresh)
{
	const struct module_table *before = load_table();
	size_t size_bytes = refresh->slot_count * sizeof refresh->slot[0];
	if (before && before->count == refresh->slot_count &&
	    !memcmp(before->slot, refresh->slot, size_bytes))
		return true;
	struct module_table *after = arena_alloc(sizeof *after + size_bytes);
	if (!after)
		return false;
	after->count = refresh->slot_count;
	memcpy(after->slot, refresh->slot, size_bytes);
	atomic_store_explicit(&current_table, after, memory_order_release);
	if (before)
		unwind_rules_forget(is_rule_stale, &(struct table_change){before, after});
	return true;
}

static bool refresh_once(void)
{
	long memory = raw_syscall6(SYS_mmap, 0, sizeof(struct refresh), PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory < 0 && memory > -4096)
		return false;
	struct refresh *refresh = (struct refresh *)memory;
	bool done = module_scan_read(&refresh->scan);
	if (done) {
		find_modules(refresh);
		done = publish(refresh);
	}
	raw_syscall2(SYS_munmap, memory, sizeof(struct refresh));
	return done;
}

bool module_map_refresh(void)
{
	bool done = false;
	if (atomic_load_explicit(&sealed, memory_order_relaxed))
		return false;
	atomic_fetch_add(&refresh_wanted, 1);
	for (;;) {
		if (atomic_exchange(&refreshing, 1))
			return done; /* whoever has it sees refresh_wanted when it ends */
		uint32_t wanted = atomic_load(&refresh_wanted);
		done = refresh_once();
		atomic_store(&refreshing, 0);
		if (!done || atomic_load(&refresh_wanted) == wanted)
			return done;
	}
}

static bool is_any_rule_stale(uint64_t address, const void *data)
{
	(void)address;
	(void)data;
	return true;
}

void module_map_invalidate(void)
{
	if (module_map_refresh() || is_refreshing())
		return;
	atomic_store_explicit(&current_table, NULL, memory_order_release);
	unwind_rules_forget(is_any_rule_stale, NULL);
}

void module_map_child(void)
{
	/* Set by a thread that vanished in the middle: it may have published a table without dropping rules.
	 */
	if (atomic_exchange(&refreshing, 0))
		unwind_rules_forget(is_any_rule_stale, NULL);
}

void module_map_seal(bool on)
{
	atomic_store_explicit(&sealed, on, memory_order_relaxed);
}

bool module_map_is_sealed(void)
{
	return atomic_load_explicit(&sealed, memory_order_relaxed);
}

enum mapping_sharing module_map_sharing(uint64_t address)
{
	enum mapping_sharing sharing = MAPPING_UNKNOWN;
	struct maps_reader reader;
	struct maps_entry entry;
	if (atomic_load_explicit(&sealed, memory_order_relaxed) || !maps_reader_open(&reader))
		return sharing;
	while (sharing == MAPPING_UNKNOWN && maps_reader_next(&reader, &entry))
		if (entry.start <= address && address < entry.end)
			sharing = entry.shared ? MAPPING_SHARED : MAPPING_PRIVATE;
	maps_reader_close(&reader);
	return sharing;
}
