#include "record_work.h"

#include "arena.h"

static free_list spare;

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
