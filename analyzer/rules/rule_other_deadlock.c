#include "rule.h"
#include "story.h"

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	switch (incident->observed) {
	case OBSERVED_BLOCKS_ON_SELF:
	case OBSERVED_BLOCKS_ON_ENDED_THREAD:
	case OBSERVED_BLOCKS_IN_CYCLE:
	case OBSERVED_STUCK_FOR_ANOTHER_REASON:
		break;
	default:
		return false;
	}
	if (!incident->pending_count)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = VERDICT_NOTE,
	    .count = incident->pending_count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

static void tell_self(const struct finding *finding, FILE *out)
{
	fputs(", which it took itself", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" and still holds", out);
}

static void tell_other(const struct finding *finding, FILE *out)
{
	bool ended = finding->incident->observed == OBSERVED_BLOCKS_ON_ENDED_THREAD;

	fputs(": ", out);
	story_holder(finding, out);
	fputs(" took it", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(ended ? " and ended without releasing it" : " and waits itself, in a circle of live threads",
	      out);
}

static void tell_stuck(const struct finding *finding, FILE *out)
{
	if (story_is_libc(finding))
		story_place(&finding->victim.stack, out);
	else
		story_place_beyond_libc(&finding->victim.stack, out);
	fprintf(
	    out,
	    ": every thread of the process waits without a limit, and %s; what the fork has to do with it "
	    "cannot be told",
	    finding->incident->until_asked ? "only its handler of a signal that asks it to end could end that"
	                                   : "none is left that could end it");
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	fputs(" waits for ", out);
	story_lock(finding, out);
	if (finding->incident->observed == OBSERVED_STUCK_FOR_ANOTHER_REASON) {
		tell_stuck(finding, out);
		return;
	}
	if (finding->incident->observed == OBSERVED_BLOCKS_ON_SELF)
		tell_self(finding, out);
	else
		tell_other(finding, out);
	fputs("; no fork is to blame", out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	switch (finding->incident->observed) {
	case OBSERVED_BLOCKS_ON_SELF:
		fputs("Release the lock before this call, or make the mutex recursive if nesting is meant.",
		      out);
		break;
	case OBSERVED_BLOCKS_ON_ENDED_THREAD:
		fputs("Release the lock on every way out of that thread, cancellation and pthread_exit() "
		      "included "
		      "(pthread_cleanup_push()); or use a robust mutex.",
		      out);
		break;
	case OBSERVED_STUCK_FOR_ANOTHER_REASON:
		fputs("Look at the stack: who was to wake this thread, and does the child have it?", out);
		if (finding->incident->until_asked)
			fputs(" If the process waits on purpose until it is asked to end, all is well.", out);
		return;
	default:
		fputs("Take these locks in the same order everywhere.", out);
		break;
	}
	fputs(" This hang is shown because it was met; it is no fork hazard.", out);
}

const struct rule rule_other_deadlock = {
    .name = "other-deadlock",
    .verdict = VERDICT_NOTE,
    .summary = "a hang that no fork explains: relock by its owner, a holder that ended, a circle",
    .advice =
        "An ordinary deadlock: release the lock on every way out, and take locks in one order everywhere.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
