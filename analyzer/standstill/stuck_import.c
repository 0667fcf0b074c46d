#include "stuck_import.h"

#include <stdbool.h>
#include <string.h>

#include "proc_memory.h"

enum {
	WORD = sizeof(uint64_t),
	FRAMES_SIZE_BYTES = 16 << 10, /* of the stack: who waits for a lock has it in its hands */
	TYPE_NAME_AT = 3 * WORD,      /* in an object's type */
	SEARCHED_SIZE_BYTES = 256 << 20,
	PART_SIZE_BYTES = 256 << 10, /* at once */
	DIGIT_BITS = 30,
	DESCRIPTOR_WITHIN_BYTES = 16 << 10, /* static TLS is between; the least stack is larger */
};

/* The beginning of any object, of a lock and of an int. */
struct object {
	uint64_t references, type;
	union {
		uint64_t semaphore;
		struct {
			int64_t count; /* negative: so is the number */
			uint32_t digits[2];
		} number;
	};
};

/* As _ModuleLock.__init__() sets them: the order in which they are in memory. */
enum { LOCK, WAKEUP, NAME, OWNER, COUNT, WAITERS, ATTRIBUTES };

static bool read_object(pid_t pid, uint64_t address, struct object *ret_object)
{
	return address && !(address % WORD) &&
	       proc_memory_read(pid, address, ret_object, sizeof(*ret_object));
}

static bool is_of_type(pid_t pid, const struct object *object, const char *name)
{
	char text[16] = {0};
	uint64_t address;

	return object->type && !(object->type % WORD) &&
	       proc_memory_read(pid, object->type + TYPE_NAME_AT, &address, sizeof(address)) &&
	       proc_memory_read(pid, address, text, strlen(name) + 1) && strcmp(text, name) == 0;
}

static bool is_lock(pid_t pid, uint64_t address, struct object *ret_object)
{
	return read_object(pid, address, ret_object) && is_of_type(pid, ret_object, "_thread.lock");
}

static bool read_number(pid_t pid, uint64_t address, uint64_t *ret_number)
{
	struct object object;

	if (!read_object(pid, address, &object) || !is_of_type(pid, &object, "int") ||
	    object.number.count < 0 || object.number.count > 2)
		return false;
	*ret_number = 0;
	for (int64_t i = object.number.count; i-- > 0;)
		*ret_number = *ret_number << DIGIT_BITS | object.number.digits[i];
	return true;
}

/* libc has a thread's descriptor, whose address pthread_self() returns, right above the thread's stack. */
static pid_t thread_of_ident(const struct stuck_vanished_list *vanished, uint64_t ident)
{
	uint64_t nearest = DESCRIPTOR_WITHIN_BYTES;
	pid_t thread = 0;

	for (size_t i = 0; i < vanished->count; i++) {
		const struct library_thread *known = &vanished->items[i].known;
		uint64_t distance = ident - known->stack_high;

		if (!known->stack_high || distance >= nearest)
			continue;
		nearest = distance;
		thread = known->owner_tid;
	}
	return thread;
}

/* Of a _ModuleLock that somebody has and others wait for. */
static pid_t owner_of(pid_t pid, const uint64_t attributes[ATTRIBUTES],
                      const struct stuck_vanished_list *vanished)
{
	struct object lock, name;
	uint64_t owner, count, waiters;

	if (!is_lock(pid, attributes[LOCK], &lock) || !read_object(pid, attributes[NAME], &name) ||
	    !is_of_type(pid, &name, "str") || !read_number(pid, attributes[OWNER], &owner) ||
	    !read_number(pid, attributes[COUNT], &count) || !read_number(pid, attributes[WAITERS], &waiters))
		return 0;
	return count && waiters ? thread_of_ident(vanished, owner) : 0;
}

static pid_t look_through(const struct stuck_waiter *waiter, const struct proc_map *map, uint64_t wakeup,
                          const struct stuck_vanished_list *vanished)
{
	static uint64_t words[PART_SIZE_BYTES / WORD];
	uint64_t attributes[ATTRIBUTES];
	pid_t owner = 0;

	for (uint64_t start = map->start; start < map->end && !owner; start += sizeof(words)) {
		size_t count =
		    proc_memory_read_words(waiter->pid, start, map->end, words, PART_SIZE_BYTES / WORD);

		if (!count)
			break;
		for (size_t i = 0; i < count && !owner; i++)
			if (words[i] == wakeup &&
			    proc_memory_read(waiter->pid, start + i * WORD - WAKEUP * WORD, attributes,
			                     sizeof(attributes)))
				owner = owner_of(waiter->pid, attributes, vanished);
	}
	return owner;
}

/* The lock object around the semaphore that the thread sleeps on; 0: none. */
static uint64_t find_lock(const struct stuck_waiter *waiter)
{
	const struct stack_source *source = waiter->source;
	size_t size_bytes =
	    source->memory_size_bytes < FRAMES_SIZE_BYTES ? source->memory_size_bytes : FRAMES_SIZE_BYTES;
	struct object object;

	for (size_t at = 0; at + WORD <= size_bytes; at += WORD) {
		uint64_t address;

		memcpy(&address, source->memory + at, sizeof(address));
		if (read_object(waiter->pid, address, &object) && object.semaphore == waiter->word &&
		    is_of_type(waiter->pid, &object, "_thread.lock"))
			return address;
	}
	return 0;
}

pid_t stuck_import_owner(const struct stuck_waiter *waiter, const struct stuck_vanished_list *vanished)
{
	uint64_t wakeup = vanished->made_no_threads ? find_lock(waiter) : 0, left = SEARCHED_SIZE_BYTES;
	pid_t owner = 0;

	for (size_t i = 0; i < waiter->maps->count && wakeup && !owner; i++) {
		const struct proc_map *map = &waiter->maps->items[i];
		uint64_t size_bytes = map->end - map->start;

		if (!map->writable || !map->is_private || size_bytes > left)
			continue;
		left -= size_bytes;
		owner = look_through(waiter, map, wakeup, vanished);
	}
	return owner;
}
