/* A stack of objects that nobody needs for now. They are never given back to the kernel, so that a look at
 * one which another thread has just taken does no harm.
 *
 * Thread-safe, lock-free, async-signal-safe; all zero is empty. */
#ifndef AFTERFORK_PRELOAD_FREE_LIST_H
#define AFTERFORK_PRELOAD_FREE_LIST_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* In each object; may share its place with what only an object in use has. */
struct free_link {
	struct free_link *next;
};

/* The first one: 48 bits of address, 16 bits of a counter against reuse between load and swap. */
typedef _Atomic uint64_t free_list;
enum { FREE_LIST_TAG_SHIFT = 48 };

static inline struct free_link *free_list_link_of(uint64_t head)
{
	return (struct free_link *)(uintptr_t)(head & (((uint64_t)1 << FREE_LIST_TAG_SHIFT) - 1));
}

static inline uint64_t free_list_head_with(const struct free_link *link, uint64_t old_head)
{
	uint64_t tag = (old_head >> FREE_LIST_TAG_SHIFT) + 1;
	return (uint64_t)(uintptr_t)link | tag << FREE_LIST_TAG_SHIFT;
}

/* NULL: it is empty. */
static inline struct free_link *free_list_take(free_list *list)
{
	uint64_t head = atomic_load(list);
	for (;;) {
		struct free_link *link = free_list_link_of(head);
		if (!link)
			return NULL;
		/* Read while another thread may write there: then the swap fails. */
		struct free_link *next = *(struct free_link *volatile *)&link->next;
		if (atomic_compare_exchange_weak(list, &head, free_list_head_with(next, head)))
			return link;
	}
}

static inline void free_list_give(free_list *list, struct free_link *link)
{
	uint64_t head = atomic_load(list);
	do {
		link->next = free_list_link_of(head);
	} while (!atomic_compare_exchange_weak(list, &head, free_list_head_with(link, head)));
}

#endif
