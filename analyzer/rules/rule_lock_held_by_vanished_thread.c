#include "rule.h"
#include "story.h"

/* In memory that the parent shares, the holder lives on there and may let go. The attribute alone does not
 * say so (robust mutexes carry it always); the mapping does, where it could be read. */
static bool may_be_shared_with_parent(const struct incident *incident)
{
	return !incident->private_mapping && incident->lock.process_shared && !incident->lock.robust;
}

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	switch (incident->observed) {
	case OBSERVED_BLOCKS_ON_VANISHED:
	case OBSERVED_SPINS_ON_VANISHED:
		break;
	case OBSERVED_ABORTS_ON_VANISHED:
		/* The forking thread itself: it lives on, under another id. */
		if (incident->holder.tid && incident->holder.tid == incident->fork.tid)
			return false;
		break;
	default:
		return false;
	}
	if (!incident->pending_count)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = may_be_shared_with_parent(incident) ? VERDICT_LIKELY : VERDICT_CERTAIN,
	    .count = incident->count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

static void tell_fault(const struct finding *finding, FILE *out)
{
	const struct incident *incident = finding->incident;

	if (incident->observed == OBSERVED_ABORTS_ON_VANISHED)
		fputs(" is ended by libc, which cannot give it ", out);
	else if (incident->observed == OBSERVED_SPINS_ON_VANISHED && incident->tries)
		fprintf(out,
		        " is in a loop that never ends: it has tried %u times, and each try fails, to get ",
		        incident->tries);
	else
		fputs(finding->verdict == VERDICT_CERTAIN ? " waits for ever for " : " waits for ", out);
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	story_handler(finding, out);
	tell_fault(finding, out);
	story_lock(finding, out);
	fputs(": ", out);
	story_holder(finding, out);
	fputs(" took it", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" and vanished when ", out);
	story_fork(finding, out);
}

const struct rule rule_lock_held_by_vanished_thread = {
    .name = "lock-held-by-vanished-thread",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits for a lock that a thread held which the fork did not copy",
    .advice = "Let the child call exec at once, or fork before threads are started, or cover the lock with "
              "fork handlers (pthread_atfork) that take it before the fork and release it on both sides.",
    .match = match,
    .tell = tell,
    .advise = story_advise_cover,
};
