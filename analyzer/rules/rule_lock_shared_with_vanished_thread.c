#include "rule.h"
#include "story.h"

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->observed != OBSERVED_SHARED_WITH_VANISHED)
		return false;
	*ret_match = (struct rule_match){.verdict = VERDICT_POSSIBLE, .count = incident->count};
	return true;
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	if (story_is_libc(finding)) {
		fputs(" went into", out);
		story_libc_lock(finding->victim.call, finding, out);
	} else {
		fputs(" took ", out);
		story_lock(finding, out);
	}
	fputs(", which happened to be free: ", out);
	story_holder(finding, out);
	fputs(" uses it", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(", and would have left it locked for ever had it held it when ", out);
	story_fork(finding, out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	fputs("Whether this hangs is a matter of the moment of the fork. ", out);
	if (story_is_libc(finding))
		story_advise_libc(finding, finding->victim.call, &finding->victim.stack, out);
	else
		story_advise_cover(finding, model, out);
}

const struct rule rule_lock_shared_with_vanished_thread = {
    .name = "lock-shared-with-vanished-thread",
    .verdict = VERDICT_POSSIBLE,
    .summary = "the child used a lock that other threads of the parent use and no fork handler covers",
    .advice =
        "This run got by on luck: cover the lock with fork handlers, or do not use it between fork and exec.",
    .incidental = INCIDENTAL_VICTIM | INCIDENTAL_HOLDER,
    .match = match,
    .tell = tell,
    .advise = advise,
};
