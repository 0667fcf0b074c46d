/* Suppression files: findings that a user knows and wants left out.
 *
 * One a line: RULE:GLOB. RULE is a rule's name or `*`. GLOB (`*`, `?`, `[...]` as in the shell) is matched
 * against the lock's name and, for every frame of every stack of the finding, the function, the base name of
 * the module and the source file (whole and base name). Empty lines and lines that start with `#` say
 * nothing. */
#ifndef AFTERFORK_SUPPRESSIONS_H
#define AFTERFORK_SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "findings.h"

struct suppression {
	char *rule; /* "*": any */
	char *glob;
	char *file; /* where it stands, for messages */
	unsigned line;
	uint64_t used_count; /* findings that it left out */
};

struct suppressions {
	struct suppression *items;
	size_t count;
};

/* Appends what the file holds. 0, or -1 with one line on stderr that names file and line. */
int suppressions_read(struct suppressions *suppressions, const char *path);
/* Whether a line matches the finding; counts the first that does. */
bool suppressions_match(struct suppressions *suppressions, const struct finding *finding);
/* One line on stderr for each suppression that matched nothing. */
void suppressions_tell_unused(const struct suppressions *suppressions);
void suppressions_release(struct suppressions *suppressions);

#endif
