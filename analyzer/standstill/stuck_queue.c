#include "stuck_queue.h"

#include <stddef.h>
#include <string.h>

#include "proc_memory.h"
#include "stuck_python.h"
#include "stuck_stack.h"

enum {
	WORD = sizeof(uint64_t),
	FRAMES_SIZE_BYTES = 16 << 10, /* of the stack */
	LOCK_SIZE_BYTES = 64,         /* from a lock's address to the word that its queue hangs on */
	RECORD_BEFORE_BYTES = 256,    /* a record begins so far before the word in it at most, */
	RECORD_AFTER_BYTES = 64,      /* or is linked by a part of it that begins behind the word */
	KEY_BYTES = 64,               /* between the word and what else the record holds */
	STATIC_TLS_SIZE_BYTES = 64 << 10,
	CLOSE_BYTES = 64,
	VARIABLES_SIZE_BYTES = 8 << 20, /* of all modules */
	PART_WORDS = 8 << 10,           /* at once */
	STATE_BITS = 7,                 /* of a word that is an address and a state at once */
};

static bool is_between(uint64_t address, uint64_t start, uint64_t end)
{
	return address >= start && address < end;
}

static bool is_beside_word(const struct stuck_waiter *waiter, uint64_t address)
{
	return is_between(address, waiter->word - RECORD_BEFORE_BYTES, waiter->word + RECORD_AFTER_BYTES);
}

static const struct proc_map *stack_of(const struct stuck_waiter *waiter)
{
	return proc_maps_find(waiter->maps, waiter->source->registers[STACK_REGISTER_SP]);
}

/* On its stack, or in its thread-local variables: a record that no other thread can have made. */
static bool is_threads_own(const struct stuck_waiter *waiter)
{
	uint64_t top = waiter->thread_pointer, word = waiter->word;
	const struct proc_map *tls = top ? proc_maps_find(waiter->maps, top) : NULL;
	const struct proc_map *stack = stack_of(waiter);

	return (stack && is_between(word, waiter->source->registers[STACK_REGISTER_SP], stack->end)) ||
	       (tls && word >= tls->start && is_between(word, top - STATIC_TLS_SIZE_BYTES, top));
}

/* Where a lock of the program may be. libc and the library keep addresses of stacks for reasons of their own.
 */
static bool may_be_lock(const struct stuck_waiter *waiter, uint64_t address)
{
	const struct proc_map *map = proc_maps_find(waiter->maps, address), *file;

	if (!map || !map->writable || !map->is_private || map == stack_of(waiter) ||
	    is_beside_word(waiter, address))
		return false;
	file = stuck_object_module_data(waiter->maps, address);
	return !file || !(stuck_stack_is_libc_file(proc_map_base_name(file)) ||
	                  stuck_stack_is_own_file(proc_map_base_name(file)));
}

/* What the library keeps of a thread, the address of what it waits for among it, lies in anonymous mappings.
 * One of those may follow a module's variables, but not those of the program itself. */
static bool may_be_librarys(const struct stuck_waiter *waiter, uint64_t address)
{
	const struct proc_map *map = proc_maps_find(waiter->maps, address);
	const struct proc_map *file = stuck_object_module_data(waiter->maps, address);

	return map != file && strcmp(map->path, "[heap]") != 0 &&
	       !(file && waiter->exe && strcmp(file->path, waiter->exe) == 0);
}

static bool is_word_of_parent(const struct stuck_object *object)
{
	return object->is_known_of_parent &&
	       memcmp(object->bytes + STUCK_OBJECT_MIDDLE, object->parents + STUCK_OBJECT_MIDDLE, WORD) == 0;
}

/* A variable that points to an object of the child's own looks alike: only a record that must be the
 * thread's, or a word with a lock's state in it, shows that the thread has queued itself. */
static bool is_link(const struct stuck_waiter *waiter, uint64_t address, uint64_t value,
                    struct stuck_queue *queue)
{
	/* An int's address has such bits, too. */
	bool has_bits = value & STATE_BITS && value != waiter->word;

	if (!is_beside_word(waiter, value) || !may_be_lock(waiter, address) ||
	    (!has_bits && (!is_threads_own(waiter) || may_be_librarys(waiter, address))))
		return false;
	stuck_object_read(waiter->pid, waiter->parent, address, &queue->link);
	/* What was there at the fork already is nothing that the thread did to wait. */
	return !is_word_of_parent(&queue->link) &&
	       stuck_object_was_there_at_fork(&queue->link, waiter->maps,
	                                      waiter->source->registers[STACK_REGISTER_SP]);
}

/* A lock whose address is a constant of the code is in nobody's hands. Of static variables, some of which
 * keep places on the stack for reasons of their own, one has to point closer to the word, and to be known to
 * have changed. */
static bool is_static_link(const struct stuck_waiter *waiter, uint64_t address, uint64_t value,
                           struct stuck_queue *queue)
{
	if (is_between(value, waiter->word - CLOSE_BYTES, waiter->word + CLOSE_BYTES) && !(value % WORD) &&
	    is_link(waiter, address, value, queue) && queue->link.is_known_of_parent)
		return true;
	queue->link.address = 0;
	return false;
}

static bool look_through(const struct stuck_waiter *waiter, const struct proc_map *map,
                         struct stuck_queue *queue)
{
	uint64_t words[PART_WORDS];
	size_t count;

	for (uint64_t start = map->start; start < map->end; start += sizeof(words)) {
		if (!(count = proc_memory_read_words(waiter->pid, start, map->end, words, PART_WORDS)))
			return false;
		for (size_t i = 0; i < count; i++)
			if (is_static_link(waiter, start + i * WORD, words[i], queue))
				return true;
	}
	return false;
}

static void look_through_variables(const struct stuck_waiter *waiter, struct stuck_queue *queue)
{
	uint64_t left = VARIABLES_SIZE_BYTES;

	for (size_t i = 0; i < waiter->maps->count; i++) {
		const struct proc_map *map = &waiter->maps->items[i];

		if (!may_be_lock(waiter, map->start) || may_be_librarys(waiter, map->start) ||
		    strcmp(map->path, "[heap]") == 0 || map->end - map->start > left)
			continue;
		left -= map->end - map->start;
		if (look_through(waiter, map, queue))
			return;
	}
}

static void look_for_link(const struct stuck_waiter *waiter, uint64_t lock, struct stuck_queue *queue)
{
	uint64_t words[LOCK_SIZE_BYTES / WORD];
	uint64_t start = lock / WORD * WORD;
	uint64_t end = proc_maps_find(waiter->maps, start)->end;
	size_t count = proc_memory_read_words(waiter->pid, start, end, words, LOCK_SIZE_BYTES / WORD);

	for (size_t i = 0; i < count; i++) {
		if (is_link(waiter, start + i * WORD, words[i], queue))
			return;
		queue->link.address = 0;
	}
}

static uint64_t stack_word(const struct stack_source *source, uint64_t address)
{
	uint64_t word;

	memcpy(&word, source->memory + (address - source->memory_start), sizeof(word));
	return word;
}

/* True for a value that the record has, too. */
static bool is_in_record(const uint64_t *record, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		if (record[i] == value)
			return true;
	return false;
}

struct look {
	const struct stuck_waiter *waiter;
	struct stuck_queue *queue;
	uint64_t record[2 * KEY_BYTES / WORD];
	size_t record_count; /* 0: could not be read */
};

/* An address in a register or in a frame: not only in the record, where it would be its own witness. */
static void look_at(struct look *look, uint64_t address, bool may_be_record)
{
	struct stuck_queue *queue = look->queue;

	if (!may_be_lock(look->waiter, address))
		return;
	if (!queue->link.address)
		look_for_link(look->waiter, address, queue);
	if (!queue->key.address && !may_be_record &&
	    is_in_record(look->record, look->record_count, address) &&
	    !is_between(queue->link.address, address, address + LOCK_SIZE_BYTES))
		stuck_object_read(look->waiter->pid, look->waiter->parent, address, &queue->key);
}

void stuck_queue_find(const struct stuck_waiter *waiter, struct stuck_queue *ret_queue)
{
	const struct stack_source *source = waiter->source;
	uint64_t key_start = waiter->word / WORD * WORD - KEY_BYTES;
	struct look look = {.waiter = waiter, .queue = ret_queue};

	*ret_queue = (struct stuck_queue){0};
	if (proc_memory_read(waiter->pid, key_start, look.record, sizeof(look.record)))
		look.record_count = sizeof(look.record) / WORD;
	for (unsigned i = 0; i < STACK_REGISTERS && source->has_all_registers; i++)
		look_at(&look, source->registers[i], false);
	uint64_t end =
	    source->memory_size_bytes < FRAMES_SIZE_BYTES ? source->memory_size_bytes : FRAMES_SIZE_BYTES;
	for (uint64_t at = 0; at + WORD <= end; at += WORD) {
		uint64_t place = source->memory_start + at;

		look_at(&look, stack_word(source, place),
		        is_between(place, key_start, key_start + sizeof(look.record)));
	}
	if (!ret_queue->link.address && is_threads_own(waiter))
		look_through_variables(waiter, ret_queue);
	ret_queue->key_is_pythons =
	    ret_queue->key.address && stuck_python_lock_was_there(waiter, &ret_queue->key);
}
