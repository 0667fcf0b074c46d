#include "findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICT_COUNT] = {
	    [VERDICT_NOTE] = "note",
	    [VERDICT_POSSIBLE] = "possible",
	    [VERDICT_LIKELY] = "likely",
	    [VERDICT_CERTAIN] = "certain",
	};

	return verdict < VERDICT_COUNT ? names[verdict] : "unknown";
}

static void free_thread(struct finding_thread *thread)
{
	free(thread->created_at.frames);
	free(thread->acquired_at.frames);
}

void finding_free(struct finding *finding)
{
	if (!finding)
		return;
	free(finding->message);
	free(finding->advice);
	free(finding->lock.initialised_at.frames);
	free_thread(&finding->holder);
	for (size_t i = 0; i < finding->vanished_count; i++)
		free_thread(&finding->vanished[i].thread);
	free(finding->vanished);
	free(finding->handover.stack.frames);
	free(finding->fork.stack.frames);
	free(finding->victim.stack.frames);
	free(finding);
}

static struct finding *find(const struct finding_list *list, const struct finding *finding)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i]->fingerprint, finding->fingerprint) == 0)
			return list->items[i];
	return NULL;
}

static uint64_t add_saturated(uint64_t left, uint64_t right)
{
	return left > UINT64_MAX - right ? UINT64_MAX : left + right;
}

/* The facts that are shown are those of the worse verdict, of equal ones those of the first. */
static void merge(struct finding *into, struct finding *from)
{
	if (from->verdict > into->verdict) {
		struct finding better = *into;
		*into = *from;
		*from = better;
	}
	into->count = add_saturated(into->count, from->count);
	into->pending_count = add_saturated(into->pending_count, from->pending_count);
	finding_free(from);
}

int findings_add(struct finding_list *list, struct finding *finding)
{
	struct finding *known = find(list, finding);
	struct finding **items;

	if (known) {
		merge(known, finding);
		return 0;
	}
	items = reallocarray(list->items, list->count + 1, sizeof *items);
	if (!items) {
		finding_free(finding);
		return -ENOMEM;
	}
	list->items = items;
	list->items[list->count++] = finding;
	return 0;
}

static bool proves_more(const struct finding *one, const struct finding *than)
{
	bool same_lock = one->lock_fork_hash == than->lock_fork_hash;
	bool same_site = one->site_fork_hash && one->site_fork_hash == than->site_fork_hash;

	if (one == than || !(same_lock || same_site))
		return false;
	if (one->verdict != than->verdict)
		return one->verdict > than->verdict;
	/* Held at the fork says more than used before it. */
	return (than->incidental & ~one->incidental) != 0;
}

static bool is_lesser(const struct finding_list *list, const struct finding *finding)
{
	for (size_t i = 0; finding->incidental && i < list->count; i++)
		if (list->items[i] && proves_more(list->items[i], finding))
			return true;
	return false;
}

void findings_drop_lesser(struct finding_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (is_lesser(list, list->items[i])) {
			finding_free(list->items[i]);
			list->items[i] = NULL;
		}
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i])
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = *(const struct finding *const *)left,
	                     *b = *(const struct finding *const *)right;

	if (a->verdict != b->verdict)
		return a->verdict > b->verdict ? -1 : 1;
	/* Of luck first what the child did take: there another moment of the fork is all that a hang needs.
	 */
	if (a->incidental != b->incidental)
		return a->incidental > b->incidental ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->fingerprint, b->fingerprint);
}

void findings_sort(struct finding_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, compare);
}

void findings_release(struct finding_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		finding_free(list->items[i]);
	free(list->items);
	*list = (struct finding_list){0};
}
