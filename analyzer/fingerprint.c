#include "fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a, 64 bits: short, and the same on every machine. */
static const uint64_t FNV_START = 14695981039346656037u, FNV_PRIME = 1099511628211u;

/* The NUL is hashed too, so that "ab","c" differs from "a","bc". */
static void add_text(uint64_t *hash, const char *text)
{
	if (!text)
		text = "";
	do {
		*hash = (*hash ^ (unsigned char)*text) * FNV_PRIME;
	} while (*text++);
}

static void add_offset(uint64_t *hash, uint64_t offset)
{
	char text[32];

	snprintf(text, sizeof text, "+%" PRIx64, offset);
	add_text(hash, text);
}

/* Without a function name the place in exactly this build of the file is the best name there is. */
static void add_frame(uint64_t *hash, const struct frame *frame)
{
	add_text(hash, frame->module ? frame_module_base_name(frame->module) : "?");
	if (frame->function) {
		add_text(hash, frame->function);
	} else if (frame->module) {
		add_text(hash, frame->build_id);
		add_offset(hash, frame->offset);
	}
}

static void add_stack(uint64_t *hash, const char *role, const struct frame_stack *stack)
{
	add_text(hash, role);
	for (size_t i = 0; i < stack->count; i++)
		add_frame(hash, &stack->frames[i]);
}

void fingerprint_compute(struct finding *finding)
{
	uint64_t hash = FNV_START;

	add_text(&hash, finding->rule_name);
	add_text(&hash, finding->lock.kind);
	if (finding->lock.name)
		add_text(&hash, finding->lock.name);
	else
		add_stack(&hash, "initialised", &finding->lock.initialised_at);
	add_stack(&hash, "acquired", &finding->holder.acquired_at);
	add_stack(&hash, "fork", &finding->fork.stack);
	add_stack(&hash, "victim", &finding->victim.stack);
	snprintf(finding->fingerprint, sizeof finding->fingerprint, "%016" PRIx64, hash);
}
