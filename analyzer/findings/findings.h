/* Findings: what the rules concluded, in the terms of the report. Renderers read these and know no trace.
 *
 * A finding stands for one fault, however often and in however many processes it was met; the facts shown
 * are those of its first occurrence. Unknown strings are NULL, unknown numbers 0 unless a `_known` says so:
 * a renderer leaves out what is not known. */
#ifndef AFTERFORK_FINDINGS_H
#define AFTERFORK_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"

/* In rising order: comparisons are meant. */
enum verdict { VERDICT_NOTE, VERDICT_POSSIBLE, VERDICT_LIKELY, VERDICT_CERTAIN, VERDICT_COUNT };
/* "note", "possible", "likely", "certain"; static. */
const char *verdict_name(enum verdict verdict);

struct rule;
struct incident;

enum { FINDING_FINGERPRINT_SIZE = 17 };

/* A thread, and what it had to do with a lock. */
struct finding_thread {
	pid_t tid; /* 0: not known */
	const char *name;
	const char *start_routine;
	const char *acquire_call; /* "pthread_mutex_lock" */
	struct frame_stack created_at;
	struct frame_stack acquired_at;
};

struct finding_vanished {
	struct finding_thread thread; /* acquire_call and acquired_at: of `doing` */
	const char *doing;            /* "holds": took a lock there; "calls": is in it; NULL: not known */
};

/* Work that the process gave to threads that had vanished. */
struct finding_handover {
	const char *call;        /* "pthread_cond_signal"; NULL: nothing was handed over */
	pid_t tid;               /* who called */
	const char *kind, *name; /* of the object, as in `lock` */
	uint64_t address;
	unsigned waiting_threads; /* that slept on it at the fork */
	unsigned count;           /* of such calls; the stack is the last one's */
	struct frame_stack stack;
};

/* Strings marked (owned) are freed with the finding, all others belong to the model or symbolizer. */
struct finding {
	char fingerprint[FINDING_FINGERPRINT_SIZE]; /* 16 hex digits */
	enum verdict verdict;
	const char *rule_name;     /* static */
	const char *observed_name; /* static; tells apart what one rule takes: "try-failed" */
	uint64_t count;            /* occurrences */
	uint64_t pending_count;    /* of those, calls that had not returned when the trace ended */
	char *message;             /* (owned) one sentence, without a full stop at the end */
	char *advice;              /* (owned) one or more sentences */

	struct {
		pid_t pid, ppid;
		const char *exe;
	} process; /* of the victim */

	struct {
		uint64_t address;
		bool address_known;
		const char
		    *kind; /* "mutex", "rwlock", ... as in the contract; NULL: the finding has no lock */
		const char
		    *type; /* "normal", "recursive", "errorcheck", "adaptive"; NULL where it does not apply */
		const char *name; /* of the variable */
		bool robust, process_shared, prio_inherit;
		const char *module;     /* path of the file whose data holds it; NULL: heap, stack, unknown */
		const char *build_id;   /* of that file */
		uint64_t module_offset; /* in that file */
		struct frame_stack initialised_at;
	} lock;

	struct finding_thread holder;
	/* Where the holder is not known: threads that the victim's process lacks. (owned) */
	struct finding_vanished *vanished;
	size_t vanished_count;
	struct finding_handover handover;

	struct {
		pid_t pid, tid;   /* the parent's */
		const char *call; /* "fork"; NULL: not seen */
		unsigned vanished_threads;
		struct frame_stack stack;
	} fork;

	struct {
		pid_t pid, tid;
		const char *name; /* of the thread */
		const char *call; /* "pthread_mutex_lock" */
		unsigned live_threads;
		struct frame_stack stack;
		uint64_t blocked_ns;
		bool blocked_known;
		bool was_interrupted; /* what was seen to be endless a signal ended */
	} victim;

	/* For the machinery, not for renderers. */
	unsigned incidental;     /* INCIDENTAL_* of rule.h */
	uint64_t site_fork_hash; /* the same for locks taken at the same place; 0: not known */
	uint64_t lock_fork_hash; /* the same for the same lock at the same fork, whatever the rule */
	const struct rule *rule;
	const struct incident *incident;
};

struct finding_list {
	struct finding **items;
	size_t count;
};

/* Takes over the finding; a fault that is there already only adds to its counts (and the new one is
 * freed). 0 or -ENOMEM (the finding is freed). */
int findings_add(struct finding_list *list, struct finding *finding);
/* Drops what a rule concluded from luck where the same lock at the same fork is in a finding that proves
 * more.
 */
void findings_drop_lesser(struct finding_list *list);
/* The worst verdict first, then the most frequent, then by fingerprint. */
void findings_sort(struct finding_list *list);
void findings_release(struct finding_list *list);

void finding_free(struct finding *finding);

#endif
