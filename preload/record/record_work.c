#include "record_work.h"

#include <assert.h>
#include <stddef.h>

#include "arena.h"

static free_list spare;
static_assert(offsetof(struct record_work, link) == 0, "a link is its record's address");

struct record_work *record_work_take(void)
{
	struct free_link *link = free_list_take(&spare);
	return link ? (struct record_work *)link : arena_alloc(sizeof(struct record_work));
}

void record_work_give(struct record_work *work)
{
	if (work)
		free_list_give(&spare, &work->link);
}
