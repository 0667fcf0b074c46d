#include "record_work.h"

#include "arena.h"

static struct record_work *_Atomic spare;

struct record_work *record_work_take(void)
{
	struct record_work *work = atomic_exchange(&spare, NULL);
	return work ? work : arena_alloc(sizeof *work);
}

void record_work_give(struct record_work *work)
{
	if (work)
		atomic_store(&spare, work);
}
