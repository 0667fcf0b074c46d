#include "rule.h"
#include "story.h"

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	(void)model;
	if (incident->observed != OBSERVED_FOREIGN_UNLOCK)
		return false;
	*ret_match = (struct rule_match){.verdict = VERDICT_LIKELY, .count = incident->count};
	return true;
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	fputs(" released ", out);
	story_lock(finding, out);
	fputs(", which it never took: ", out);
	story_holder(finding, out);
	fputs(" took it", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(" and vanished when ", out);
	story_fork(finding, out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	fputs("Releasing the lock does not finish what its holder had begun: what it guards may be half "
	      "changed in the child. A fork handler may release only what the prepare handler of the same "
	      "fork took. ",
	      out);
	story_advise_cover(finding, model, out);
}

const struct rule rule_foreign_unlock = {
    .name = "foreign-unlock",
    .verdict = VERDICT_LIKELY,
    .summary = "the child released a lock that a vanished thread held",
    .advice = "Take the lock in the prepare handler, so that nobody else can hold it at the fork; then the "
              "child handler may release it, and what it guards is whole.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
