#include "rule.h"
#include "story.h"

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->lock.kind == LOCK_STATIC_INIT && rules_match_stuck(incident, ret_match))
		return true;
	if (incident->observed != OBSERVED_STATIC_INIT_LEFT_OPEN || !incident->pending_count)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = VERDICT_CERTAIN,
	    .count = incident->count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	fputs(" waits for ever for the initialisation of ", out);
	if (finding->lock.name)
		fprintf(out, "the static variable %s", finding->lock.name);
	else
		fputs("a static variable", out);
	story_place(&finding->victim.stack, out);
	fputs(": ", out);
	story_holder(finding, out);
	fputs(" had begun it", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" and vanished when ", out);
	story_fork(finding, out);
}

const struct rule rule_static_init_interrupted = {
    .name = "static-init-interrupted",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits for the initialisation of a static variable that a vanished thread had begun",
    .advice =
        "Run the initialisation before the first fork, for instance at start-up, before threads are started.",
    .match = match,
    .tell = tell,
};
