/* A hazard rule. One rule_<hazard>.c ends in one `const struct rule` and has one row in rules.def. */
#ifndef AFTERFORK_RULE_H
#define AFTERFORK_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "findings.h"
#include "model.h"

struct rule_match {
	enum verdict verdict;
	uint64_t count, pending_count;
};

/* Parts of an incident that do not make it another fault. */
enum {
	INCIDENTAL_VICTIM = 1, /* who shows it */
	INCIDENTAL_HOLDER = 2, /* whose acquisition is known, where the lock is known by itself */
};

struct rule {
	const char *name;
	enum verdict verdict; /* the highest it gives */
	const char *summary;  /* one line */
	const char *advice;   /* what to do in general */
	unsigned
	    incidental; /* INCIDENTAL_*; such a finding yields to a stronger one on the same lock and fork */
	/* Asked for each incident, in the order of rules.def, until one rule takes it: true, with
	 * *ret_match filled. NULL: this version has no evidence for the rule. */
	bool (*match)(const struct model *model, const struct incident *incident,
	              struct rule_match *ret_match);
	/* After symbolization: writes one sentence, no full stop. Never NULL with a match. */
	void (*tell)(const struct finding *finding, const struct model *model, FILE *out);
	/* After symbolization: writes advice that fits the case. NULL: the general advice is used. */
	void (*advise)(const struct finding *finding, const struct model *model, FILE *out);
};

/* All rules, in the order of rules.def, which is also that of `afterfork rules`. */
extern const struct rule *const rules_all[];
extern const size_t rules_count;

/* The first rule that takes the incident, or NULL. */
const struct rule *rules_match(const struct model *model, const struct incident *incident,
                               struct rule_match *ret_match);

/* For the rules that share what the watch from outside sees: true, with *ret_match filled, for a process
 * whose wait only threads that vanished could have ended. Each rule takes the kinds of lock that are its own.
 */
bool rules_match_stuck(const struct incident *incident, struct rule_match *ret_match);

#endif
