#include "rule.h"
#include "story.h"

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->observed != OBSERVED_BLOCKS_IN_ATFORK_HANDLER || !incident->pending_count)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = VERDICT_CERTAIN,
	    .count = incident->count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

/* The forking thread lives on in the child under another id, with the parent's in its locks. */
static bool holds_it_itself(const struct finding *finding)
{
	return finding->holder.tid == finding->victim.tid || finding->holder.tid == finding->fork.tid;
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	fputs(" is stuck inside of ", out);
	story_call(finding->fork.call, "fork", out);
	story_handler(finding, out);
	fputs(" for ever: it waits for ", out);
	story_lock(finding, out);
	fputs(", which ", out);
	if (holds_it_itself(finding)) {
		fputs("the forking thread itself took", out);
		story_place(&finding->holder.acquired_at, out);
		fputs(" and still holds", out);
		return;
	}
	story_holder(finding, out);
	fputs(" took", out);
	story_place(&finding->holder.acquired_at, out);
	fputs("; and that one waits in turn for a lock that the forking thread holds", out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	if (holds_it_itself(finding))
		fputs("Do not fork while holding a lock that a fork handler takes, and let only one handler "
		      "take "
		      "it; "
		      "what the prepare handler took the parent and child handlers must release, not take "
		      "again.",
		      out);
	else
		fputs(
		    "Let the prepare handlers take their locks in the order in which the rest of the program "
		    "takes "
		    "them. They run last registered first: register the handler of the innermost lock "
		    "first, "
		    "or take all of them in one handler.",
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
