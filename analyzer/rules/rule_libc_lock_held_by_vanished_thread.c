#include "rule.h"
#include "story.h"

static bool is_seen_from_outside(const struct finding *finding)
{
	return finding->incident->observed == OBSERVED_STUCK_ON_VANISHED;
}

/* To have been inside a function is not to have held its lock: a call that came back is no finding. One that
 * was seen from outside to sleep for ever on a word of libc's is proven. One that merely did not come back is
 * likely enough only where the function has nothing else to wait for. */
static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->lock.kind == LOCK_LIBC && rules_match_stuck(incident, ret_match))
		return true;
	if (incident->observed != OBSERVED_ENTERS_LIBC || !incident->first_pending)
		return false;
	if (!incident->seen_blocked && !incident->lock.libc_is_brief)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = incident->seen_blocked ? VERDICT_CERTAIN : VERDICT_LIKELY,
	    .count = incident->pending_count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

/* Seen from outside only: the holder is known where one thread alone was inside the same function. */
static void tell_stuck(const struct finding *finding, FILE *out)
{
	fputs(" waits for ever inside ", out);
	story_libc_call(&finding->victim.stack, out);
	fputs(" for a lock of libc's own: ", out);
	story_holder(finding, out);
	fputs(finding->holder.tid ? " was inside the same function and vanished when "
	                          : " that held it vanished when ",
	      out);
	story_fork(finding, out);
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	if (is_seen_from_outside(finding)) {
		tell_stuck(finding, out);
		return;
	}
	fputs(finding->verdict == VERDICT_CERTAIN ? " waits for ever inside " : " did not come back from ",
	      out);
	story_call(finding->victim.call, "libc", out);
	fputs(finding->verdict == VERDICT_CERTAIN ? ": " : "; ", out);
	story_holder(finding, out);
	fputs(" was inside ", out);
	story_call(finding->holder.acquire_call, "the same functions of libc", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" when ", out);
	story_fork(finding, out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_advise_libc(finding, is_seen_from_outside(finding) ? NULL : finding->victim.call,
	                  &finding->victim.stack, out);
}

const struct rule rule_libc_lock_held_by_vanished_thread = {
    .name = "libc-lock-held-by-vanished-thread",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits inside libc for a lock of libc's own that a vanished thread held",
    .advice = "Call only async-signal-safe functions in the child until it calls exec; do the rest before "
              "the fork.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
