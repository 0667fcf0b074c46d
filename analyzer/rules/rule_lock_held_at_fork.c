#include <string.h>

#include "rule.h"
#include "story.h"

extern const struct rule rule_static_init_interrupted;

/* Pending: the child has not gone on to exec. */
static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->observed != OBSERVED_HELD_AT_FORK || !incident->pending_count)
		return false;
	*ret_match = (struct rule_match){.verdict = VERDICT_POSSIBLE, .count = incident->pending_count};
	return true;
}

static bool is_static_init(const struct finding *finding)
{
	return finding->lock.kind && !strcmp(finding->lock.kind, "static-init");
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_holder(finding, out);
	if (story_is_libc(finding)) {
		fputs(" was inside", out);
		story_libc_lock(finding->holder.acquire_call, finding, out);
		fputs(", called", out);
	} else if (is_static_init(finding)) {
		fputs(" was initialising a static variable", out);
	} else {
		fputs(" held ", out);
		story_lock(finding, out);
	}
	story_place(&finding->holder.acquired_at, out);
	fputs(" when ", out);
	story_fork(finding, out);
	fputs(", and ", out);
	story_victim(finding, out);
	fputs(" ran on without exec: ", out);
	if (story_is_libc(finding))
		fputs("a function that takes this lock could have waited for ever there", out);
	else if (is_static_init(finding))
		fputs("a use of that variable there would have waited for ever", out);
	else
		fputs("a use of this lock there would have waited for ever", out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	if (is_static_init(finding)) {
		fputs(rule_static_init_interrupted.advice, out);
		return;
	}
	fputs("This child did not touch the lock, which is luck unless it never can. ", out);
	if (story_is_libc(finding))
		story_advise_libc(finding, finding->holder.acquire_call, &finding->holder.acquired_at, out);
	else
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
