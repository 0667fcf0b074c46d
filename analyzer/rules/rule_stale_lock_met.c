#include <errno.h>

#include "rule.h"
#include "story.h"

/* From the first failed try to the last one of the same loop. */
static bool is_long_loop(const struct incident *incident)
{
	enum { NS_PER_MS = 1000000, LONG_MS = 400 /* one try returns at once */ };

	return incident->observed == OBSERVED_TRY_FAILED_ON_VANISHED && incident->blocked_known &&
	       incident->blocked_ns >= (uint64_t)LONG_MS * NS_PER_MS;
}

/* Blocking calls that never returned belong to the certain rules, which are asked first. */
static bool is_hang_after(enum observed hang, enum observed attempt)
{
	if (attempt == OBSERVED_TRY_FAILED_ON_VANISHED)
		return hang == OBSERVED_BLOCKS_ON_VANISHED || hang == OBSERVED_SPINS_ON_VANISHED;
	return attempt == OBSERVED_TIMED_WAIT_ON_VANISHED && hang == OBSERVED_SPINS_ON_VANISHED;
}

/* A try that failed right before the same thread blocked on the same lock is how some locks are taken: the
 * hang is the finding. So is a loop of tries that never ends, or that went on for long: compilers put
 * the first try in front of it. */
static bool led_to(const struct incident *attempt, const struct incident *later)
{
	bool is_loop = is_long_loop(later) && !is_long_loop(attempt) && later->observed == attempt->observed;
	bool is_hang = is_hang_after(later->observed, attempt->observed) && later->pending_count;

	return (is_loop || is_hang) && later->pid == attempt->pid && later->tid == attempt->tid &&
	       later->lock.address == attempt->lock.address && later->time_ns >= attempt->time_ns &&
	       later->count >= attempt->count;
}

static bool led_to_more(const struct model *model, const struct incident *attempt)
{
	size_t count;
	const struct incident *all = model_incidents(model, &count);

	for (size_t i = 0; i < count; i++)
		if (led_to(attempt, &all[i]))
			return true;
	return false;
}

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	if (led_to_more(model, incident))
		return false;
	switch (incident->observed) {
	case OBSERVED_TRY_FAILED_ON_VANISHED:
	case OBSERVED_TIMED_WAIT_ON_VANISHED:
	case OBSERVED_BLOCKS_ON_VANISHED:
	case OBSERVED_BLOCKS_ON_PARENT_OWNER:
		break;
	default:
		return false;
	}
	*ret_match = (struct rule_match){
	    .verdict = VERDICT_LIKELY,
	    .count = incident->count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

static void tell_what_happened(const struct finding *finding, FILE *out)
{
	const struct incident *incident = finding->incident;

	if (is_long_loop(incident))
		fprintf(out, " tried again and again for %.1f s to get the stale ",
		        (double)incident->blocked_ns / 1e9);
	else if (incident->observed == OBSERVED_TRY_FAILED_ON_VANISHED)
		fputs(" found the stale ", out);
	else if (incident->first_pending)
		fputs(" waits, with a time limit, for the stale ", out);
	else if (incident->first_result == EINTR)
		fputs(" was interrupted by a signal while it waited for the stale ", out);
	else if (incident->first_result)
		fputs(" gave up waiting for the stale ", out);
	else
		fputs(" waited for the stale ", out);
	story_lock(finding, out);
	if (is_long_loop(incident))
		fputs(", and each try failed", out);
	else if (incident->observed == OBSERVED_TRY_FAILED_ON_VANISHED)
		fputs(" and went on without it", out);
	else if (!incident->first_pending && !incident->first_result)
		fputs(" and got it in the end", out);
}

static bool is_join(const struct finding *finding)
{
	return finding->incident->lock.kind == LOCK_THREAD;
}

static void tell_join(const struct finding *finding, FILE *out)
{
	if (is_long_loop(finding->incident))
		fprintf(out, " tried again and again for %.1f s to join ",
		        (double)finding->incident->blocked_ns / 1e9);
	else
		fputs(finding->incident->first_pending ? " waits, with a time limit, for the end of "
		                                       : " gave up joining ",
		      out);
	story_holder(finding, out);
	fputs(", which vanished when ", out);
	story_fork(finding, out);
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	if (is_join(finding)) {
		tell_join(finding, out);
		return;
	}
	tell_what_happened(finding, out);
	fputs(": ", out);
	story_holder(finding, out);
	fputs(" took it", out);
	story_place(&finding->holder.acquired_at, out);
	/* The forking thread lives on in the child, under another id. */
	if (finding->holder.tid && finding->holder.tid == finding->fork.tid)
		fputs(" before ", out);
	else
		fputs(" and vanished when ", out);
	story_fork(finding, out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	if (is_join(finding)) {
		fputs("The child has only the thread that forked: join threads in the process that made "
		      "them, and forget their handles in the child.",
		      out);
		return;
	}
	fputs("Nobody in the child will ever release this lock: every later try fails, and a lock call "
	      "without a time limit would hang. What it guards may be half changed. ",
	      out);
	story_advise_cover(finding, model, out);
}

const struct rule rule_stale_lock_met = {
    .name = "stale-lock-met",
    .verdict = VERDICT_LIKELY,
    .summary = "the child met a lock that a vanished thread held, and got past it (trylock, time limit)",
    .advice = "Treat it as the hang that it would be without the trylock or time limit: exec at once, fork "
              "before threads are started, or cover the lock with fork handlers.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
