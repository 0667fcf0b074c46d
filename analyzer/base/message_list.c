#include "message_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int has(const struct message_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return 1;
	return 0;
}

void message_list_add(struct message_list *list, const char *format, ...)
{
	va_list arguments;
	char **items;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	items = has(list, text) ? NULL : realloc(list->items, (list->count + 1) * sizeof *items);
	if (!items) {
		free(text);
		return;
	}
	list->items = items;
	list->items[list->count++] = text;
}

void message_list_release(struct message_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct message_list){0};
}
