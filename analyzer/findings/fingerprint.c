#include "fingerprint.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fnv.h"
#include "rule.h"

/* The NUL is hashed too, so that "ab","c" differs from "a","bc". */
static void add_text(uint64_t *hash, const char *text)
{
	if (!text)
		text = "";
	do {
		fnv_mix(hash, (unsigned char)*text);
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

/* What leads to main() or to a thread's first function differs from one libc to the next, and so does what
 * its symbols tell. */
static void add_stack(uint64_t *hash, const char *role, const struct frame_stack *stack)
{
	add_text(hash, role);
	for (size_t i = 0; i < stack->count; i++)
		if (!frame_is_libc(&stack->frames[i]))
			add_frame(hash, &stack->frames[i]);
}

/* A variable without a symbol goes by its place in this build of the file. */
static void add_lock(uint64_t *hash, const struct finding *finding)
{
	if (finding->lock.name) {
		add_text(hash, finding->lock.name);
		return;
	}
	add_stack(hash, "initialised", &finding->lock.initialised_at);
	if (finding->lock.module) {
		add_text(hash, frame_module_base_name(finding->lock.module));
		add_text(hash, finding->lock.build_id);
		add_offset(hash, finding->lock.module_offset);
	}
}

static bool is_lock_known(const struct finding *finding)
{
	return finding->lock.name || finding->lock.module || finding->lock.initialised_at.count;
}

static uint64_t hash_lock_and_fork(const struct finding *finding)
{
	uint64_t hash = FNV_START;

	add_text(&hash, finding->lock.kind);
	add_lock(&hash, finding);
	if (!is_lock_known(finding))
		add_stack(&hash, "acquired", &finding->holder.acquired_at);
	add_stack(&hash, "fork", &finding->fork.stack);
	return hash;
}

static uint64_t hash_site_and_fork(const struct finding *finding)
{
	uint64_t hash = FNV_START;

	if (!finding->holder.acquired_at.count)
		return 0;
	add_text(&hash, finding->lock.kind);
	add_stack(&hash, "acquired", &finding->holder.acquired_at);
	add_stack(&hash, "fork", &finding->fork.stack);
	return hash;
}

void fingerprint_compute(struct finding *finding)
{
	uint64_t hash = FNV_START;

	add_text(&hash, finding->rule_name);
	add_text(&hash, finding->lock.kind);
	add_lock(&hash, finding);
	if (!(finding->incidental & INCIDENTAL_HOLDER) || !is_lock_known(finding))
		add_stack(&hash, "acquired", &finding->holder.acquired_at);
	add_stack(&hash, "fork", &finding->fork.stack);
	if (!(finding->incidental & INCIDENTAL_VICTIM)) {
		add_stack(&hash, "victim", &finding->victim.stack);
		add_text(&hash, finding->victim.call);
	}
	add_text(&hash, finding->observed_name);
	finding->site_fork_hash = hash_site_and_fork(finding);
	finding->lock_fork_hash = hash_lock_and_fork(finding);
	snprintf(finding->fingerprint, sizeof finding->fingerprint, "%016" PRIx64, hash);
}
