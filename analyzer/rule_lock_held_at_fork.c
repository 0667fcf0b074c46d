#include "rule.h"
#include "story.h"

/* Pending: the child has not gone on to exec. */
static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->observed != OBSERVED_HELD_AT_FORK || !incident->pending_count)
		return false;
	*ret_match = (struct rule_match){.verdict = VERDICT_POSSIBLE, .count = incident->pending_count};
	return true;
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_holder(finding, out);
	fputs(" held ", out);
	story_lock(finding, out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" when ", out);
	story_fork(finding, out);
	fputs(", and ", out);
	story_victim(finding, out);
	fputs(" ran on without exec: a use of this lock there would have waited for ever", out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	fputs("This child did not touch the lock, which is luck unless it never can. ", out);
	story_advise_cover(finding, model, out);
}

const struct rule rule_lock_held_at_fork = {
    .name = "lock-held-at-fork",
    .verdict = VERDICT_POSSIBLE,
    .summary = "another thread held a lock at the fork, and the child ran on without exec",
    .advice =
        "This run got by on luck: call exec at once in the child, or cover the lock with fork handlers.",
    .incidental = INCIDENTAL_VICTIM,
    .match = match,
    .tell = tell,
    .advise = advise,
};
