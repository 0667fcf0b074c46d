#include <criterion/criterion.h>
#include <string.h>

#include "rule.h"

/* The contract's list: names are relied upon by scripts and suppression files. */
static const struct {
	const char *name;
	enum verdict verdict;
} contract[] = {
    {"lock-held-by-vanished-thread", VERDICT_CERTAIN},
    {"owner-is-parent-thread", VERDICT_CERTAIN},
    {"waker-vanished", VERDICT_CERTAIN},
    {"libc-lock-held-by-vanished-thread", VERDICT_CERTAIN},
    {"static-init-interrupted", VERDICT_CERTAIN},
    {"atfork-handler-deadlock", VERDICT_CERTAIN},
    {"stale-lock-met", VERDICT_LIKELY},
    {"foreign-unlock", VERDICT_LIKELY},
    {"lock-shared-with-vanished-thread", VERDICT_POSSIBLE},
    {"lock-held-at-fork", VERDICT_POSSIBLE},
    {"other-deadlock", VERDICT_NOTE},
};
enum { CONTRACT_COUNT = sizeof contract / sizeof contract[0] };

Test(rules, are_those_of_the_contract_in_its_order)
{
	cr_assert_eq(rules_count, CONTRACT_COUNT);
	for (size_t i = 0; i < CONTRACT_COUNT; i++) {
		cr_assert_str_eq(rules_all[i]->name, contract[i].name);
		cr_assert_eq(rules_all[i]->verdict, contract[i].verdict, "%s", contract[i].name);
	}
}

Test(rules, say_what_they_find_and_what_to_do)
{
	for (size_t i = 0; i < rules_count; i++) {
		cr_assert_gt(strlen(rules_all[i]->summary), 20, "%s", rules_all[i]->name);
		cr_assert_gt(strlen(rules_all[i]->advice), 40, "%s", rules_all[i]->name);
		cr_assert_null(strchr(rules_all[i]->summary, '\n'), "%s", rules_all[i]->name);
	}
}

Test(rules, that_match_can_tell)
{
	for (size_t i = 0; i < rules_count; i++)
		cr_assert(!rules_all[i]->match || rules_all[i]->tell, "%s", rules_all[i]->name);
}
