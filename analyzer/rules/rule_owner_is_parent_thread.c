#include "rule.h"
#include "story.h"

/* By libc: what the forking thread itself holds of a priority-inheriting mutex. */
static bool is_aborted(const struct incident *incident)
{
	return incident->observed == OBSERVED_ABORTS_ON_VANISHED && incident->holder.tid &&
	       incident->holder.tid == incident->fork.tid;
}

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	bool refused = incident->observed == OBSERVED_UNLOCK_REFUSED ||
	               incident->observed == OBSERVED_RELOCK_REFUSED ||
	               incident->observed == OBSERVED_UNLOCK_WITHOUT_EFFECT;
	bool blocks = (incident->observed == OBSERVED_BLOCKS_ON_PARENT_OWNER || is_aborted(incident)) &&
	              incident->pending_count;

	(void)model;
	if (!refused && !blocks)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = VERDICT_CERTAIN,
	    .count = incident->count,
	    .pending_count = blocks ? incident->pending_count : 0,
	};
	return true;
}

static void tell_refused(const struct finding *finding, FILE *out)
{
	enum observed observed = finding->incident->observed;
	bool unlock = observed != OBSERVED_RELOCK_REFUSED;

	fputs(unlock ? " cannot release " : " cannot take again ", out);
	story_lock(finding, out);
	fputs(": ", out);
	story_call(finding->victim.call, "the call", out);
	if (observed == OBSERVED_UNLOCK_WITHOUT_EFFECT)
		fputs(" returns 0 and leaves it locked", out);
	else
		fputs(unlock ? " is refused (EPERM)" : " is refused (EBUSY)", out);
	fputs(", since the owner recorded is ", out);
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	story_handler(finding, out);
	bool aborted = is_aborted(finding->incident);
	if (aborted || finding->incident->observed == OBSERVED_BLOCKS_ON_PARENT_OWNER) {
		fputs(aborted ? " is ended by libc, which cannot give it " : " waits for ever for ", out);
		story_lock(finding, out);
		fputs(": the owner recorded is ", out);
	} else {
		tell_refused(finding, out);
	}
	story_holder(finding, out);
	fputs(" of the parent, which took it", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" before ", out);
	story_fork(finding, out);
}

static const char *kind_of_mutex(const struct finding *finding)
{
	if (finding->lock.robust)
		return "A robust";
	if (finding->lock.prio_inherit)
		return "A priority-inheriting";
	if (finding->incident->lock.type == MUTEX_RECURSIVE)
		return "A recursive";
	return finding->incident->lock.type == MUTEX_ERRORCHECK ? "An errorcheck" : "An owner-checking";
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	if (finding->incident->lock.kind == LOCK_RWLOCK) {
		fputs("A rwlock knows its writer by thread id, and the child's thread has another id than "
		      "the parent's: the child's pthread_rwlock_unlock() takes it for the unlock of a "
		      "reader, returns 0, and leaves it locked and its count of readers wrong. In the child "
		      "handler of pthread_atfork(), or first thing in the child, initialise it anew with "
		      "pthread_rwlock_init() instead of unlocking it.",
		      out);
		return;
	}
	fprintf(out,
	        "%s mutex knows its owner by thread id, and the child's thread has another id than the "
	        "parent's: what was locked before the fork can be neither released nor taken again after it. "
	        "In the child handler of pthread_atfork(), or first thing in the child, initialise it anew "
	        "with pthread_mutex_init() instead of unlocking it; or use a normal mutex, which the child "
	        "may release.",
	        kind_of_mutex(finding));
}

const struct rule rule_owner_is_parent_thread = {
    .name = "owner-is-parent-thread",
    .verdict = VERDICT_CERTAIN,
    .summary =
        "the child cannot release or retake a lock, since its owner recorded is a thread of the parent",
    .advice =
        "Initialise owner-checking mutexes anew in the child instead of unlocking them, or use normal ones.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
