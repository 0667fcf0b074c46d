/* afterfork rules: what is looked for, and what to do about it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "rule.h"
#include "text_layout.h"

enum { WIDTH = 100 };

static void print_rule(const struct rule *rule)
{
	printf("%s (%s)%s\n", rule->name, verdict_name(rule->verdict),
	       rule->match ? "" : " - not yet checked by this version");
	printf("    %s\n    advice: ", rule->summary);
	text_layout_wrap(stdout, rule->advice, strlen("    advice: "), strlen("    advice: "), WIDTH);
	putchar('\n');
}

int cmd_rules(int argc, char **argv)
{
	struct options options;
	int first;

	if (options_parse(&options, OPTION_FOR_RULES, NULL, argc, argv, &first))
		return EXIT_OWN_FAILURE;
	options_release(&options);
	if (first < argc) {
		fprintf(stderr, "afterfork rules: takes no argument, but got \"%s\"\n", argv[first]);
		return EXIT_OWN_FAILURE;
	}
	for (size_t i = 0; i < rules_count; i++) {
		if (i)
			putchar('\n');
		print_rule(rules_all[i]);
	}
	if (fflush(stdout)) {
		perror("afterfork rules: cannot write to standard output");
		return EXIT_OWN_FAILURE;
	}
	return 0;
}
