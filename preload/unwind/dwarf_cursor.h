/* A bounded reader of the primitive encodings of .eh_frame. Past the end, or at what it does not know, it
 * fails for good and yields zeros: callers check `failed` once, at their end. */
#ifndef AFTERFORK_PRELOAD_DWARF_CURSOR_H
#define AFTERFORK_PRELOAD_DWARF_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct dwarf_cursor {
	uint64_t at, end; /* addresses of readable memory */
	bool failed;
};

enum {
	DWARF_PE_OMIT = 0xff,
	DWARF_PE_PCREL = 0x10,
	DWARF_PE_DATAREL = 0x30,
	DWARF_PE_ALIGNED = 0x50,
	DWARF_PE_INDIRECT = 0x80,
};

static inline struct dwarf_cursor dwarf_cursor_at(uint64_t at, uint64_t low, uint64_t high)
{
	return (struct dwarf_cursor){.at = at, .end = high, .failed = at < low || at > high};
}

static inline uint64_t dwarf_cursor_fixed(struct dwarf_cursor *cursor, unsigned size_bytes)
{
	uint64_t value = 0;
	if (cursor->failed || cursor->end - cursor->at < size_bytes) {
		cursor->failed = true;
		return 0;
	}
	memcpy(&value, (const void *)(uintptr_t)cursor->at, size_bytes);
	cursor->at += size_bytes;
	return value;
}

static inline void dwarf_cursor_skip(struct dwarf_cursor *cursor, uint64_t size_bytes)
{
	if (cursor->failed || cursor->end - cursor->at < size_bytes)
		cursor->failed = true;
	else
		cursor->at += size_bytes;
}

static inline uint64_t dwarf_cursor_leb128(struct dwarf_cursor *cursor, bool is_signed)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;
	do {
		byte = (uint8_t)dwarf_cursor_fixed(cursor, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && (byte & 0x40))
		value |= ~UINT64_C(0) << shift;
	return value;
}
static inline uint64_t dwarf_cursor_uleb(struct dwarf_cursor *cursor)
{
	return dwarf_cursor_leb128(cursor, false);
}
static inline int64_t dwarf_cursor_sleb(struct dwarf_cursor *cursor)
{
	return (int64_t)dwarf_cursor_leb128(cursor, true);
}

/* A block of bytes that begins with its size. */
static inline void dwarf_cursor_skip_block(struct dwarf_cursor *cursor)
{
	uint64_t size_bytes = dwarf_cursor_uleb(cursor);
	dwarf_cursor_skip(cursor, size_bytes);
}

/* A pointer in one of the DW_EH_PE encodings; data_base is what the data-relative ones count from. An
 * indirect one gives the address of the pointer: only personality routines are indirect, and nobody reads
 * them here. */
static inline uint64_t dwarf_cursor_encoded(struct dwarf_cursor *cursor, uint8_t encoding, uint64_t data_base)
{
	if (encoding == DWARF_PE_OMIT)
		return 0;
	if (encoding == DWARF_PE_ALIGNED) {
		dwarf_cursor_skip(cursor, -cursor->at & 7);
		return dwarf_cursor_fixed(cursor, 8);
	}
	uint64_t from = cursor->at, value = 0;
	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x08: /* signed absptr */
	case 0x0c: /* sdata8 */
		value = dwarf_cursor_fixed(cursor, 8);
		break;
	case 0x01:
		value = dwarf_cursor_uleb(cursor);
		break;
	case 0x02:
		value = dwarf_cursor_fixed(cursor, 2);
		break;
	case 0x03:
		value = dwarf_cursor_fixed(cursor, 4);
		break;
	case 0x09:
		value = (uint64_t)dwarf_cursor_sleb(cursor);
		break;
	case 0x0a:
		value = (uint64_t)(int64_t)(int16_t)dwarf_cursor_fixed(cursor, 2);
		break;
	case 0x0b:
		value = (uint64_t)(int64_t)(int32_t)dwarf_cursor_fixed(cursor, 4);
		break;
	default:
		cursor->failed = true;
	}
	switch (encoding & 0x70) {
	case 0x00:
		return value;
	case DWARF_PE_PCREL:
		return value + from;
	case DWARF_PE_DATAREL:
		return value + data_base;
	default: /* relative to text or to a function: never made for x86-64 */
		cursor->failed = true;
		return 0;
	}
}

#endif
