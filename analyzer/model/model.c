#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "model_private.h"

struct module_entry {
	struct module_ref module;
	const char *key; /* build-id, a space, path */
	UT_hash_handle hh;
};

const char *lock_kind_name(enum lock_kind kind)
{
	static const char *const names[LOCK_KIND_COUNT] = {
	    [LOCK_MUTEX] = "mutex",       [LOCK_RWLOCK] = "rwlock",
	    [LOCK_SPINLOCK] = "spinlock", [LOCK_SEMAPHORE] = "semaphore",
	    [LOCK_CONDVAR] = "condvar",   [LOCK_BARRIER] = "barrier",
	    [LOCK_THREAD] = "thread",     [LOCK_FUTEX] = "futex",
	    [LOCK_LIBC] = "libc",         [LOCK_STATIC_INIT] = "static-init",
	    [LOCK_STDIO] = "stdio",
	};

	return kind < LOCK_KIND_COUNT ? names[kind] : NULL;
}

const char *mutex_type_name(enum mutex_type type)
{
	static const char *const names[MUTEX_TYPE_COUNT] = {
	    [MUTEX_NORMAL] = "normal",
	    [MUTEX_RECURSIVE] = "recursive",
	    [MUTEX_ERRORCHECK] = "errorcheck",
	    [MUTEX_ADAPTIVE] = "adaptive",
	};

	return type < MUTEX_TYPE_COUNT ? names[type] : NULL;
}

const char *observed_name(enum observed observed)
{
	static const char *const names[OBSERVED_COUNT] = {
	    [OBSERVED_UNKNOWN] = "unknown",
	    [OBSERVED_BLOCKS_ON_VANISHED] = "blocks",
	    [OBSERVED_TIMED_WAIT_ON_VANISHED] = "timed-wait",
	    [OBSERVED_TRY_FAILED_ON_VANISHED] = "try-failed",
	    [OBSERVED_BLOCKS_ON_PARENT_OWNER] = "blocks-on-parent-owner",
	    [OBSERVED_UNLOCK_REFUSED] = "unlock-refused",
	    [OBSERVED_FOREIGN_UNLOCK] = "foreign-unlock",
	    [OBSERVED_BLOCKS_ON_SELF] = "blocks-on-self",
	    [OBSERVED_BLOCKS_ON_ENDED_THREAD] = "blocks-on-ended-thread",
	    [OBSERVED_BLOCKS_IN_CYCLE] = "blocks-in-cycle",
	    [OBSERVED_RELOCK_REFUSED] = "relock-refused",
	    [OBSERVED_BLOCKS_IN_ATFORK_HANDLER] = "blocks-in-atfork-handler",
	    [OBSERVED_HELD_AT_FORK] = "held-at-fork",
	    [OBSERVED_SHARED_WITH_VANISHED] = "shared-with-vanished",
	    [OBSERVED_WAITS_FOR_VANISHED] = "waits",
	    [OBSERVED_WAITS_FOR_HANDED_WORK] = "waits-for-work",
	    [OBSERVED_UNLOCK_WITHOUT_EFFECT] = "unlock-without-effect",
	    [OBSERVED_SPINS_ON_VANISHED] = "spins",
	    [OBSERVED_ABORTS_ON_VANISHED] = "aborts",
	    [OBSERVED_STATIC_INIT_LEFT_OPEN] = "static-init-left-open",
	    [OBSERVED_ENTERS_LIBC] = "enters-libc",
	    [OBSERVED_STUCK_FOR_ANOTHER_REASON] = "stuck-for-another-reason",
	    [OBSERVED_STUCK_ON_VANISHED] = "stuck-on-vanished",
	    [OBSERVED_WAITS_IN_ATFORK_HANDLER] = "waits-in-atfork-handler",
	};

	return observed < OBSERVED_COUNT ? names[observed] : names[OBSERVED_UNKNOWN];
}

struct model *model_new(void)
{
	return calloc(1, sizeof(struct model));
}

void model_free(struct model *model)
{
	struct module_entry *entry, *next;

	if (!model)
		return;
	/* The entries live in the pool; the table's own memory does not. */
	HASH_ITER (hh, model->modules, entry, next) {
		HASH_DEL(model->modules, entry);
	}
	free(model->runs);
	free(model->incidents);
	free(model->notices);
	free(model->atfork);
	free(model->vanished);
	free(model->handovers);
	pool_release(&model->pool);
	free(model);
}

/* Room for one more zeroed item behind `count` items: the array doubles at powers of two. */
static void *grow(void **items, size_t *count, size_t item_size)
{
	size_t old = *count;
	char *item;

	if ((old & (old - 1)) == 0) {
		void *moved = reallocarray(*items, old ? old * 2 : 1, item_size);

		if (!moved)
			return NULL;
		*items = moved;
	}
	item = (char *)*items + old * item_size;
	memset(item, 0, item_size);
	(*count)++;
	return item;
}

struct incident *model_add_incident(struct model *model)
{
	return grow((void **)&model->incidents, &model->incident_count, sizeof *model->incidents);
}

struct notice *model_add_notice(struct model *model)
{
	return grow((void **)&model->notices, &model->notice_count, sizeof *model->notices);
}

static void *grow_of_image(void **items, size_t *count, size_t item_size, struct model_span *span)
{
	void *item = grow(items, count, item_size);

	if (item && !span->count++)
		span->first = *count - 1;
	return item;
}

struct atfork_registration *model_add_atfork(struct model *model)
{
	return grow_of_image((void **)&model->atfork, &model->atfork_count, sizeof *model->atfork,
	                     &model->current_image->atfork);
}

struct vanished_thread *model_add_vanished(struct model *model)
{
	return grow_of_image((void **)&model->vanished, &model->vanished_count, sizeof *model->vanished,
	                     &model->current_image->vanished);
}

struct handover *model_add_handover(struct model *model)
{
	return grow_of_image((void **)&model->handovers, &model->handover_count, sizeof *model->handovers,
	                     &model->current_image->handovers);
}

static struct model_run *find_run(const struct model *model, uint64_t run_id)
{
	for (size_t i = 0; i < model->run_count; i++)
		if (model->runs[i].run_id == run_id)
			return &model->runs[i];
	return NULL;
}

struct model_run *model_add_run(struct model *model, uint64_t run_id)
{
	struct model_run *run = find_run(model, run_id);

	if (run)
		return run;
	run = grow((void **)&model->runs, &model->run_count, sizeof *model->runs);
	if (run)
		run->run_id = run_id;
	return run;
}

const struct module_ref *model_module(struct model *model, const char *path, const char *build_id)
{
	struct module_entry *entry;
	char *key, *text;

	if (asprintf(&text, "%s %s", build_id ? build_id : "", path) < 0)
		return NULL;
	HASH_FIND_STR(model->modules, text, entry);
	if (entry) {
		free(text);
		return &entry->module;
	}
	key = pool_string(&model->pool, text, strlen(text));
	free(text);
	entry = pool_take(&model->pool, sizeof *entry);
	if (!key || !entry)
		return NULL;
	entry->key = key;
	entry->module.path = strchr(key, ' ') + 1;
	entry->module.build_id = build_id ? pool_string(&model->pool, build_id, strlen(build_id)) : NULL;
	HASH_ADD_KEYPTR(hh, model->modules, entry->key, strlen(entry->key), entry);
	return &entry->module;
}

static int compare_incidents(const void *left, const void *right)
{
	const struct incident *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

static void settle_blocked(const struct model *model, struct incident *incident)
{
	const struct model_run *run = find_run(model, incident->image->run_id);

	/* Pending, but in no call: the process has not gone on to exec. */
	if (incident->observed == OBSERVED_HELD_AT_FORK) {
		incident->blocked_ns = 0;
		incident->blocked_known = false;
		return;
	}
	if (!incident->first_pending || incident->blocked_known || !incident->time_ns)
		return;
	if (!run || !run->ended || run->ended_ns < incident->time_ns)
		return;
	incident->blocked_ns = run->ended_ns - incident->time_ns;
	incident->blocked_known = true;
}

void model_finish(struct model *model)
{
	for (size_t i = 0; i < model->incident_count; i++)
		settle_blocked(model, &model->incidents[i]);
	if (model->incident_count)
		qsort(model->incidents, model->incident_count, sizeof *model->incidents, compare_incidents);
}

const struct model_run *model_runs(const struct model *model, size_t *ret_count)
{
	*ret_count = model->run_count;
	return model->runs;
}

const struct incident *model_incidents(const struct model *model, size_t *ret_count)
{
	*ret_count = model->incident_count;
	return model->incidents;
}

const struct notice *model_notices(const struct model *model, size_t *ret_count)
{
	*ret_count = model->notice_count;
	return model->notices;
}

const struct atfork_registration *model_atfork(const struct model *model, size_t *ret_count)
{
	*ret_count = model->atfork_count;
	return model->atfork;
}

void model_vanished_of(const struct model *model, const struct incident *incident,
                       void (*found)(void *context, const struct vanished_thread *vanished), void *context)
{
	const struct model_span *span = &incident->image->vanished;

	for (size_t i = 0; i < span->count; i++) {
		const struct vanished_thread *vanished = &model->vanished[span->first + i];

		if (vanished->pid == incident->pid && vanished->tid == incident->tid &&
		    vanished->time_ns == incident->time_ns)
			found(context, vanished);
	}
}

const struct handover *model_handover_of(const struct model *model, const struct incident *incident)
{
	const struct model_span *span = &incident->image->handovers;

	for (size_t i = 0; i < span->count; i++) {
		const struct handover *handover = &model->handovers[span->first + i];

		if (handover->pid == incident->pid && handover->tid == incident->tid &&
		    handover->time_ns == incident->time_ns)
			return handover;
	}
	return NULL;
}

static bool belongs_to(const struct atfork_registration *registration, const struct module_ref *module)
{
	if (!module)
		return true;
	for (size_t i = 0; i < 3; i++)
		if (registration->handlers[i].pc && registration->handlers[i].module == module)
			return true;
	return registration->registered_at.count && registration->registered_at.frames[0].module == module;
}

size_t model_atfork_of_module(const struct model *model, const struct incident *incident,
                              const struct module_ref *module)
{
	const struct model_span *span = &incident->image->atfork;
	size_t count = 0;

	for (size_t i = 0; i < span->count; i++)
		count += belongs_to(&model->atfork[span->first + i], module);
	return count;
}
