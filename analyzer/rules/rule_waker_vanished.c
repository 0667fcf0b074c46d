#include <inttypes.h>
#include <string.h>

#include "rule.h"
#include "story.h"

/* The library speaks of such a wait only where the thread is alone in its process and no signal handler could
 * end the wait. That a fork is to blame is proven where a thread which did the waking vanished, or where the
 * object itself counts on threads that vanished. */
/* What is seen from outside belongs here unless a rule of its own takes the kind. */
static bool is_own_kind(enum lock_kind kind)
{
	return kind != LOCK_LIBC && kind != LOCK_STATIC_INIT;
}

static bool match(const struct model *model, const struct incident *incident, struct rule_match *ret_match)
{
	bool proven = incident->observed == OBSERVED_WAITS_FOR_VANISHED && incident->private_mapping &&
	              (incident->record_names_lock || incident->owner_word_names_holder);

	(void)model;
	if (is_own_kind(incident->lock.kind) && rules_match_stuck(incident, ret_match))
		return true;
	if ((incident->observed != OBSERVED_WAITS_FOR_VANISHED &&
	     incident->observed != OBSERVED_WAITS_FOR_HANDED_WORK) ||
	    !incident->pending_count)
		return false;
	*ret_match = (struct rule_match){
	    .verdict = proven ? VERDICT_CERTAIN : VERDICT_LIKELY,
	    .count = incident->count,
	    .pending_count = incident->pending_count,
	};
	return true;
}

static bool is_destroyed(const struct finding *finding)
{
	const char *call = finding->victim.call;

	return call && strstr(call, "_destroy");
}

/* To signal a condition variable, on which the one that vanished slept. */
static bool waits_to_wake(const struct finding *finding)
{
	return finding->incident->observed == OBSERVED_STUCK_ON_VANISHED &&
	       finding->incident->lock.kind == LOCK_CONDVAR && finding->holder.tid;
}

static bool is_for_handed_work(const struct finding *finding)
{
	return finding->incident->observed == OBSERVED_WAITS_FOR_HANDED_WORK;
}

/* "the work that it handed over by pthread_cond_signal() in pool_post() was for thread 7 'pool' and 1 more,
 * which slept in pool_run() and"; of those that were busy at the fork one is known */
static void tell_handed_work(const struct finding *finding, FILE *out)
{
	const struct finding_handover *handover = &finding->handover;

	fputs("the work that it handed over", out);
	if (handover->call) {
		fputs(" by ", out);
		story_call(handover->call, "a call", out);
		story_place(&handover->stack, out);
	}
	fputs(" was for ", out);
	story_holder(finding, out);
	if (handover->waiting_threads > 1)
		fprintf(out, " and %u more", handover->waiting_threads - 1);
	fputs(handover->waiting_threads ? ", which slept" : ", which used to sleep", out);
	story_place(&finding->holder.acquired_at, out);
	fputs(handover->waiting_threads ? " and" : ", was busy and", out);
}

/* Of what is seen from outside without an owner's word only the lock of a module names a thread. */
static bool is_for_import(const struct finding *finding)
{
	return finding->incident->observed == OBSERVED_STUCK_ON_VANISHED &&
	       finding->incident->lock.kind == LOCK_SEMAPHORE && finding->holder.tid;
}

static void tell_cause(const struct finding *finding, FILE *out)
{
	enum lock_kind kind = finding->incident->lock.kind;

	if (is_for_handed_work(finding)) {
		tell_handed_work(finding, out);
	} else if (kind == LOCK_THREAD) {
		story_holder(finding, out);
		fputs(", which it joins,", out);
	} else if (kind == LOCK_BARRIER) {
		fputs(is_destroyed(finding) ? "threads that had come to it and not left"
		                            : "threads that the barrier counts on",
		      out);
	} else if (is_destroyed(finding) || waits_to_wake(finding)) {
		story_holder(finding, out);
		fputs(" was waiting on it", out);
		story_place(&finding->holder.acquired_at, out);
		fputs(" and", out);
	} else if (is_for_import(finding)) {
		story_holder(finding, out);
		fputs(", which was importing the module that it imports,", out);
	} else if (finding->holder.tid) {
		story_holder(finding, out);
		fputs(kind == LOCK_SEMAPHORE ? " posted it" : " signalled it", out);
		story_place(&finding->holder.acquired_at, out);
		fputs(" and", out);
	} else {
		fputs(kind == LOCK_SPINLOCK ? "no thread is left that could change it; "
		                            : "no thread is left that could wake it; ",
		      out);
		if (finding->vanished_count)
			story_vanished(finding, out);
		else
			fputs("the others", out);
	}
}

/* A lock that the program made itself, or a flag. */
static void tell_word(const struct finding *finding, FILE *out)
{
	if (finding->lock.name)
		fputs(finding->lock.name, out);
	else
		fprintf(out, "the word at 0x%" PRIx64, finding->lock.address);
}

static void tell(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	story_victim(finding, out);
	fputs(is_destroyed(finding)                           ? " waits for ever in the destruction of "
	      : finding->incident->lock.kind == LOCK_SPINLOCK ? " spins for ever on "
	      : finding->incident->lock.kind == LOCK_UNKNOWN  ? " waits for ever in "
	                                                      : " waits for ever on ",
	      out);
	if (finding->incident->lock.kind == LOCK_UNKNOWN)
		story_libc_call(&finding->victim.stack, out);
	else if (finding->incident->lock.kind == LOCK_THREAD)
		fputs("a thread", out);
	else if (finding->incident->lock.kind == LOCK_SPINLOCK)
		tell_word(finding, out);
	else
		story_lock(finding, out);
	fputs(": ", out);
	tell_cause(finding, out);
	fputs(" vanished when ", out);
	story_fork(finding, out);
}

static bool is_python(const struct finding *finding)
{
	const char *exe = finding->process.exe ? frame_module_base_name(finding->process.exe) : "";

	return strncmp(exe, "python", strlen("python")) == 0;
}

static void advise_on_pool(const struct finding *finding, FILE *out)
{
	fputs("A fork copies a thread pool's queue, and none of its threads. Make the pool in the child, "
	      "after the "
	      "fork, and use that one there; or let a child handler of pthread_atfork() start its threads "
	      "anew; or "
	      "let the child call exec at once. ",
	      out);
	if (is_python(finding))
		fputs("In Python: make the executor in the process that uses it, or start processes by "
		      "multiprocessing.get_context(\"spawn\") or \"forkserver\". ",
		      out);
	fputs("That the answer would have come from that work is concluded from what the child did before it "
	      "waited.",
	      out);
}

static void advise(const struct finding *finding, const struct model *model, FILE *out)
{
	(void)model;
	if (is_for_handed_work(finding)) {
		advise_on_pool(finding, out);
		return;
	}
	if (is_for_import(finding)) {
		fputs("Import what the child needs before threads are started, or start processes by "
		      "multiprocessing.get_context(\"spawn\") or \"forkserver\".",
		      out);
		return;
	}
	switch (finding->incident->lock.kind) {
	case LOCK_THREAD:
		fputs("The child has only the thread that forked: join threads in the process that made "
		      "them, and forget their handles in the child.",
		      out);
		break;
	case LOCK_BARRIER:
		fputs("The child has only the thread that forked: initialise the barrier anew for the "
		      "threads that the child makes, or call exec at once.",
		      out);
		break;
	case LOCK_SPINLOCK:
		fputs("Let the child call exec at once (or use posix_spawn), or fork before threads are "
		      "started. Where it must run on: if this is a lock, take it before the fork and "
		      "release it on both sides, by pthread_atfork(); if other threads are to change it, "
		      "set it anew in the child.",
		      out);
		break;
	default:
		fputs("The child has only the thread that forked. Let it call exec at once, or fork before "
		      "threads are started; or make anew in the child both the threads and what they wake "
		      "each other with (a thread pool's child handler of pthread_atfork()).",
		      out);
		break;
	}
}

const struct rule rule_waker_vanished = {
    .name = "waker-vanished",
    .verdict = VERDICT_CERTAIN,
    .summary = "the child waits for a signal, post, arrival or end that only a vanished thread could give",
    .advice = "Do not wait in the child for threads that only the parent has: initialise condition "
              "variables, semaphores and barriers anew in the child, or call exec.",
    .match = match,
    .tell = tell,
    .advise = advise,
};
