#include "suppressions.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"

static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

static bool is_rule(const char *name)
{
	if (strcmp(name, "*") == 0)
		return true;
	for (size_t i = 0; i < rules_count; i++)
		if (strcmp(rules_all[i]->name, name) == 0)
			return true;
	return false;
}

static int complain(const char *path, unsigned line, const char *text, const char *what)
{
	fprintf(stderr, "afterfork: %s:%u: \"%s\": %s\n", path, line, text, what);
	return -1;
}

static int append(struct suppressions *suppressions, const char *rule, const char *glob, const char *path,
                  unsigned line)
{
	struct suppression *items = reallocarray(suppressions->items, suppressions->count + 1, sizeof *items);
	struct suppression *item;

	if (!items)
		return complain(path, line, glob, "out of memory");
	suppressions->items = items;
	item = &items[suppressions->count++];
	*item = (struct suppression){
	    .rule = strdup(rule), .glob = strdup(glob), .file = strdup(path), .line = line};
	if (!item->rule || !item->glob || !item->file)
		return complain(path, line, glob, "out of memory");
	return 0;
}

static int read_line(struct suppressions *suppressions, char *text, const char *path, unsigned line)
{
	char *rule = trim(text), *colon = strchr(rule, ':'), *glob;

	if (!*rule || *rule == '#')
		return 0;
	if (!colon)
		return complain(path, line, rule, "a suppression is RULE:GLOB, and there is no colon here");
	*colon = '\0';
	glob = trim(colon + 1);
	rule = trim(rule);
	if (!is_rule(rule))
		return complain(path, line, rule,
		                "no such rule; `afterfork rules` lists them, * stands for any");
	if (!*glob)
		return complain(path, line, rule, "nothing follows the colon; * matches everything");
	return append(suppressions, rule, glob, path, line);
}

int suppressions_read(struct suppressions *suppressions, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned line = 0;
	char *text = NULL;
	size_t size = 0;
	int status = 0;

	if (!file) {
		fprintf(stderr, "afterfork: cannot read the suppression file %s: %s\n", path,
		        strerror(errno));
		return -1;
	}
	errno = 0;
	while (!status && getline(&text, &size, file) >= 0)
		status = read_line(suppressions, text, path, ++line);
	if (!status && ferror(file)) {
		fprintf(stderr, "afterfork: cannot read the suppression file %s: %s\n", path,
		        strerror(errno));
		status = -1;
	}
	free(text);
	fclose(file);
	return status;
}

static bool matches_text(const char *glob, const char *text)
{
	return text && fnmatch(glob, text, 0) == 0;
}

static bool matches_stack(const char *glob, const struct frame_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (matches_text(glob, frame->function) || matches_text(glob, frame->file))
			return true;
		if (frame->module && matches_text(glob, frame_module_base_name(frame->module)))
			return true;
		if (frame->file && matches_text(glob, frame_module_base_name(frame->file)))
			return true;
	}
	return false;
}

static bool matches(const struct suppression *suppression, const struct finding *finding)
{
	const char *glob = suppression->glob;

	if (strcmp(suppression->rule, "*") && strcmp(suppression->rule, finding->rule_name))
		return false;
	if (strcmp(glob, "*") == 0)
		return true;
	return matches_text(glob, finding->lock.name) || matches_stack(glob, &finding->lock.initialised_at) ||
	       matches_stack(glob, &finding->holder.created_at) ||
	       matches_stack(glob, &finding->holder.acquired_at) ||
	       matches_stack(glob, &finding->fork.stack) || matches_stack(glob, &finding->victim.stack);
}

bool suppressions_match(struct suppressions *suppressions, const struct finding *finding)
{
	for (size_t i = 0; i < suppressions->count; i++) {
		if (!matches(&suppressions->items[i], finding))
			continue;
		suppressions->items[i].used_count++;
		return true;
	}
	return false;
}

void suppressions_tell_unused(const struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *item = &suppressions->items[i];

		if (!item->used_count)
			fprintf(stderr, "afterfork: %s:%u: the suppression %s:%s matched no finding\n",
			        item->file, item->line, item->rule, item->glob);
	}
}

void suppressions_release(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->count; i++) {
		free(suppressions->items[i].rule);
		free(suppressions->items[i].glob);
		free(suppressions->items[i].file);
	}
	free(suppressions->items);
	*suppressions = (struct suppressions){0};
}
