#include "rule.h"

#define RULE(hazard) extern const struct rule rule_##hazard;
#include "rules.def"
#undef RULE

const struct rule *const rules_all[] = {
#define RULE(hazard) &rule_##hazard,
#include "rules.def"
#undef RULE
};
const size_t rules_count = sizeof rules_all / sizeof rules_all[0];

const struct rule *rules_match(const struct model *model, const struct incident *incident,
                               struct rule_match *ret_match)
{
	for (size_t i = 0; i < rules_count; i++)
		if (rules_all[i]->match && rules_all[i]->match(model, incident, ret_match))
			return rules_all[i];
	return NULL;
}

/* What may end only by threads that vanished. A home-made lock, a semaphore, a condition or a barrier names
 * no owner: the child's only thread may have taken it twice, or sleep on it on purpose. */
static bool names_who_is_missing(const struct incident *incident)
{
	return incident->at_meeting || incident->owner_word_names_holder ||
	       incident->lock.kind == LOCK_LIBC || incident->lock.kind == LOCK_STATIC_INIT;
}

bool rules_match_stuck(const struct incident *incident, struct rule_match *ret_match)
{
	bool is_whole = incident->private_mapping && incident->at_standstill && incident->only_thread;

	if (incident->observed != OBSERVED_STUCK_ON_VANISHED || !incident->pending_count)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = is_whole && names_who_is_missing(incident) ? VERDICT_CERTAIN : VERDICT_LIKELY,
	    .count = incident->count,
	    .pending_count = incident->pending_count,
	};
	return true;
}
