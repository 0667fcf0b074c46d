#include "code_memory.h"

#include <string.h>

#include "code_state.h"
#include "spin_memory.h"

enum { WORD = 8 };

static const struct code_word *find_word(const struct code_memory *memory, uint64_t address)
{
	for (unsigned i = 0; i < memory->count; i++)
		if (memory->words[i].address == address)
			return &memory->words[i];
	return NULL;
}

static struct code_word word_at(const struct code_memory *memory, uint64_t address)
{
	const struct code_word *stored = find_word(memory, address);
	struct code_word word = {.address = address};

	if (stored)
		return *stored;
	spin_memory_read(memory->below, address, word.bytes, &word.known);
	return word;
}

static struct code_value load(const struct code_state *state, uint64_t address, unsigned size_bytes)
{
	struct code_word word = {.address = ~UINT64_C(0)};
	uint64_t number = 0;

	for (unsigned i = 0; i < size_bytes; i++) {
		unsigned at = (address + i) % WORD;

		if (word.address != address + i - at)
			word = word_at(&state->memory, address + i - at);
		if (!(word.known >> at & 1))
			return code_unknown;
		number |= (uint64_t)word.bytes[at] << 8 * i;
	}
	return code_number(number, size_bytes);
}

struct code_value code_memory_load(const struct code_state *state, struct code_value address,
                                   unsigned size_bytes)
{
	struct spin_memory *below = state->memory.below;

	if (!code_is_number(address, WORD))
		return code_unknown;
	if (!spin_memory_may(below, address.number, size_bytes, SPIN_READ)) {
		below->is_lost = true;
		return code_unknown;
	}
	if (!find_word(&state->memory, address.number & -(uint64_t)WORD))
		spin_memory_note_load(below, address.number, size_bytes);
	return load(state, address.number, size_bytes);
}

static struct code_word *add_word(struct code_memory *memory, uint64_t address)
{
	if (memory->count == CODE_WORDS_MAX) {
		memory->below->is_lost = true;
		return NULL;
	}
	struct code_word *word = &memory->words[memory->count];

	*word = word_at(memory, address);
	memory->count++;
	return word;
}

bool code_memory_store(struct code_state *state, struct code_value address, unsigned size_bytes,
                       struct code_value value)
{
	struct code_memory *memory = &state->memory;
	bool known = code_is_number(value, size_bytes);

	if (!code_is_number(address, WORD) ||
	    !spin_memory_may(memory->below, address.number, size_bytes, SPIN_WRITE))
		return false;
	spin_memory_note_store(memory->below, address.number, size_bytes);
	for (unsigned i = 0; i < size_bytes; i++) {
		unsigned at = (address.number + i) % WORD;
		uint64_t start = address.number + i - at;
		struct code_word *word = (struct code_word *)find_word(memory, start);

		if (!word && !(word = add_word(memory, start)))
			return false;
		word->bytes[at] = known ? (unsigned char)(value.number >> 8 * i) : 0;
		word->known = (uint8_t)((word->known & ~(1u << at)) | (unsigned)known << at);
	}
	return true;
}

bool code_memory_take_pointer(struct code_state *state, uint64_t address, uint64_t *ret_target)
{
	if (!spin_memory_may(state->memory.below, address, WORD, SPIN_READ))
		return false;
	struct code_value target = load(state, address, WORD);

	*ret_target = target.number;
	return code_is_number(target, WORD);
}

bool code_memory_read_code(const struct code_state *state, uint64_t pc, void *ret_bytes, size_t size_bytes)
{
	return spin_memory_may(state->memory.below, pc, size_bytes, SPIN_RUN) &&
	       spin_memory_copy(state->memory.below, pc, ret_bytes, size_bytes);
}

static bool join_word(struct code_word *into, const struct code_word *from)
{
	uint8_t known = into->known & from->known;

	for (unsigned i = 0; i < WORD; i++)
		if (into->bytes[i] != from->bytes[i])
			known &= (uint8_t) ~(1u << i);
	bool knew_more = known != into->known;

	into->known = known;
	for (unsigned i = 0; i < WORD; i++)
		if (!(known >> i & 1))
			into->bytes[i] = 0;
	return knew_more;
}

bool code_memory_join(struct code_memory *into, const struct code_memory *from)
{
	bool knew_more = false;

	for (unsigned i = 0; i < from->count; i++) {
		uint64_t address = from->words[i].address;

		if (!find_word(into, address) && !add_word(into, address))
			return false;
	}
	for (unsigned i = 0; i < into->count; i++) {
		const struct code_word other = word_at(from, into->words[i].address);

		knew_more |= join_word(&into->words[i], &other);
	}
	return knew_more;
}
