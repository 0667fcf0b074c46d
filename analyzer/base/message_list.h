/* A growing list of one-line messages, each kept once. */
#ifndef AFTERFORK_MESSAGE_LIST_H
#define AFTERFORK_MESSAGE_LIST_H

#include <stddef.h>

struct message_list {
	char **items; /* without a newline at the end */
	size_t count;
};

/* Appends unless the same text is there already. Out of memory loses the message, nothing else. */
void message_list_add(struct message_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void message_list_release(struct message_list *list);

#endif
