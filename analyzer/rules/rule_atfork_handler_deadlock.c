#include "rule.h"
#include "story.h"

#define NS_PER_S UINT64_C(1000000000)
enum { LONG_S = 5 }; /* no handler that is merely slow takes that long */

static bool is_forking_thread(pid_t holder, pid_t victim, pid_t forking)
{
	return holder && (holder == victim || holder == forking);
}

/* The forking thread lives on in the child under another id, with the parent's in its locks. */
static bool holds_it_itself(const struct finding *finding)
{
	return is_forking_thread(finding->holder.tid, finding->victim.tid, finding->fork.tid);
}

/* What others have to end may take its time: it is proven where nobody is left, by the library or from
 * outside.
 */
static bool is_proven(const struct incident *incident)
{
	return incident->observed == OBSERVED_BLOCKS_IN_ATFORK_HANDLER || incident->seen_blocked ||
	       incident->only_thread;
}

/* Without proof: a semaphore that only those post who took it, and that the forking thread took. */
static bool is_own_lock(const struct incident *incident)
{
	return incident->lock.kind == LOCK_SEMAPHORE && incident->record_names_lock &&
	       is_forking_thread(incident->holder.tid, incident->tid, incident->fork.tid);
}

/* Nor is a thread that works all the while a proof that the wait will end: one that asks again and again for
 * what the forking thread holds, Python's lock of the interpreter for one, never rests. */
static bool is_long(const struct incident *incident)
{
	return incident->blocked_known && incident->blocked_ns >= LONG_S * NS_PER_S;
}

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	bool blocks = incident->observed == OBSERVED_BLOCKS_IN_ATFORK_HANDLER && incident->pending_count;
	bool waits = incident->observed == OBSERVED_WAITS_IN_ATFORK_HANDLER && incident->first_pending;

	if (!(blocks || waits) || !(is_proven(incident) || is_own_lock(incident) || is_long(incident)))
		return false;
	*ret_match = (struct rule_match){
	    .verdict = is_proven(incident) ? VERDICT_CERTAIN : VERDICT_LIKELY,
	    .count = blocks ? incident->count : incident->pending_count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

static bool is_wait(const struct finding *finding)
{
	return finding->incident->observed == OBSERVED_WAITS_IN_ATFORK_HANDLER;
}

static bool is_join(const struct finding *finding)
{
	return finding->incident->lock.kind == LOCK_THREAD;
}

static void tell_what(const struct finding *finding, FILE *out)
{
	if (is_join(finding)) {
		fputs("joins ", out);
		story_holder(finding, out);
		return;
	}
	fputs("waits for ", out);
	story_lock(finding, out);
	if (!finding->holder.tid)
		return;
	fputs(", which ", out);
	if (holds_it_itself(finding))
		fputs("the forking thread itself", out);
	else
		story_holder(finding, out);
	fputs(" took", out);
	story_place(&finding->holder.acquired_at, out);
}

static void tell_why_for_ever(const struct finding *finding, FILE *out)
{
	if (holds_it_itself(finding))
		fputs(" and still holds", out);
	else if (!is_wait(finding))
		fputs("; and that one waits in turn for a lock that the forking thread holds", out);
	else if (finding->incident->only_thread)
		fputs("; and there is no other thread that could end the wait", out);
	else if (is_proven(finding->incident))
		fputs("; and no thread of the process can go on to end the wait", out);
	else
		fprintf(out, "; it had waited for %.0f s when the run ended",
		        (double)finding->incident->blocked_ns / (double)NS_PER_S);
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	bool is_certain = finding->verdict == VERDICT_CERTAIN;

	story_victim(finding, out);
	fputs(is_certain ? " is stuck inside of " : " did not come back from ", out);
	story_call(finding->fork.call, "fork", out);
	story_handler(finding, out);
	fputs(is_certain ? " for ever: it " : " but ", out);
	tell_what(finding, out);
	tell_why_for_ever(finding, out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	if (holds_it_itself(finding))
		fputs("Do not fork while holding a lock that a fork handler takes, and let only one handler "
		      "take it; what the prepare handler took the parent and child handlers must release, "
		      "not take again.",
		      out);
	else if (is_wait(finding))
		fputs("Let no fork handler wait for another thread: that thread may need what the forking "
		      "thread holds. Take the lock under which the other thread works instead, or let the "
		      "threads come to rest before fork is called.",
		      out);
	else
		fputs("Let the prepare handlers take their locks in the order in which the rest of the "
		      "program takes them. They run last registered first: register the handler of the "
		      "innermost lock first, or take all of them in one handler.",
		      out);
}

const struct rule rule_atfork_handler_deadlock = {
    .name = "atfork-handler-deadlock",
    .verdict = VERDICT_CERTAIN,
    .summary = "a process is stuck inside fork, in its own fork handlers",
    .advice =
        "Prepare handlers must take their locks in the order of the program; they run last registered first.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
