#include "spin_follow.h"

#include <string.h>
#include <sys/user.h>

#include "code_step.h"
#include "spin_call.h"
#include "spin_memory.h"

enum { WORD = 8, STEPS_MAX = 20000 };

/* One way, as far as it was gone. */
struct spin_way {
	struct code_state state;
	struct spin_calls calls;
};

struct code_state spin_follow_state(const struct user_regs_struct *user, struct spin_memory *memory)
{
	enum { CARRY = 1 << 0, ZERO = 1 << 6, SIGN = 1 << 7, OVERFLOW = 1 << 11 };
	const uint64_t registers[CODE_REGISTERS] = {
	    user->rax, user->rcx, user->rdx, user->rbx, user->rsp, user->rbp, user->rsi, user->rdi,
	    user->r8,  user->r9,  user->r10, user->r11, user->r12, user->r13, user->r14, user->r15,
	};
	struct code_state state = {
	    .fs = code_number(user->fs_base, WORD),
	    .pc = user->rip,
	    .flags_known = true,
	    .carry_known = true,
	    .zero = user->eflags & ZERO,
	    .sign = user->eflags & SIGN,
	    .carry = user->eflags & CARRY,
	    .overflow = user->eflags & OVERFLOW,
	    .memory = {.below = memory},
	};

	for (unsigned i = 0; i < CODE_REGISTERS; i++)
		state.reg[i] = code_number(registers[i], WORD);
	return state;
}

static uint64_t *place_of(const struct spin_follow *follow, uint64_t pc)
{
	uint64_t at = pc * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	for (;; at++) {
		const uint64_t *place = &follow->places[at % SPIN_PLACES_MAX];

		if (!*place || *place == pc)
			return (uint64_t *)place;
	}
}

bool spin_follow_met(const struct spin_follow *follow, uint64_t pc)
{
	return *place_of(follow, pc) == pc;
}

static bool note_place(struct spin_follow *follow, uint64_t pc)
{
	uint64_t *place = place_of(follow, pc);

	follow->place_count += !*place;
	*place = pc;
	return follow->place_count < SPIN_PLACES_MAX / 2;
}

static bool is_same_value(struct code_value a, struct code_value b)
{
	return a.known == b.known && a.base == b.base && (a.number == b.number || !a.known);
}

/* As code_memory_join(). */
static bool join(struct code_state *into, const struct code_state *from)
{
	bool knew_more = code_memory_join(&into->memory, &from->memory);

	for (unsigned i = 0; i < CODE_REGISTERS; i++) {
		if (into->reg[i].known && !is_same_value(into->reg[i], from->reg[i])) {
			into->reg[i] = code_unknown;
			knew_more = true;
		}
	}
	if (into->flags_known && (!from->flags_known || into->zero != from->zero ||
	                          into->sign != from->sign || into->overflow != from->overflow)) {
		into->flags_known = false;
		knew_more = true;
	}
	if (into->carry_known && (!from->carry_known || into->carry != from->carry)) {
		into->carry_known = false;
		knew_more = true;
	}
	return knew_more;
}

static bool is_same_call(const struct spin_calls *a, const struct spin_calls *b)
{
	return a->depth == b->depth && memcmp(a->returns, b->returns, a->depth * sizeof(*a->returns)) == 0;
}

static bool is_at(const struct spin_point *point, const struct spin_way *way, uint64_t pc)
{
	return point->state.pc == pc &&
	       point->state.reg[CODE_RSP].number == way->state.reg[CODE_RSP].number &&
	       is_same_call(&point->calls, &way->calls);
}

/* False where there are too many places. */
static bool arrive(struct spin_follow *follow, const struct spin_way *way, uint64_t pc)
{
	struct spin_point *point = follow->points, *end = point + follow->point_count;

	while (point < end && !is_at(point, way, pc))
		point++;
	if (point < end) {
		point->is_open |= join(&point->state, &way->state);
		return true;
	}
	if (follow->point_count == SPIN_POINTS_MAX)
		return false;
	follow->point_count++;
	*point = (struct spin_point){way->state, way->calls, true};
	point->state.pc = pc;
	return true;
}

/* By what became of the stack: where something else is taken for a call, it costs knowledge only. */
static void note_call(struct spin_way *way, uint64_t pc, uint64_t sp)
{
	enum { INSTRUCTION_MAX = 15 };
	const struct code_value now = way->state.reg[CODE_RSP];
	struct spin_calls *calls = &way->calls;

	if (now.number != sp - WORD && now.number != sp + WORD)
		return;
	bool is_push = now.number == sp - WORD;
	uint64_t moved = code_memory_load(&way->state, is_push ? now : code_number(sp, WORD), WORD).number;

	if (is_push && moved - pc <= INSTRUCTION_MAX && calls->depth < SPIN_CALLS_MAX)
		calls->returns[calls->depth++] = moved;
	else if (!is_push && moved == way->state.pc && calls->depth)
		calls->depth--;
}

static bool pass_call(struct spin_follow *follow, struct code_state *state)
{
	struct code_value number = state->reg[CODE_RAX];
	uint64_t futex = spin_call_futex(state, (long)number.number);

	follow->futex_word = futex ? futex : follow->futex_word;
	follow->sleeps |= spin_call_sleeps((long)number.number);
	return code_is_number(number, WORD) && spin_call_pass(state, (long)number.number);
}

/* False where it cannot be followed; *ret_arrived where the way came to a point. */
static bool step(struct spin_follow *follow, struct spin_way *way, bool *ret_arrived)
{
	struct code_state *state = &way->state;
	uint64_t pc = state->pc, sp = state->reg[CODE_RSP].number;

	follow->lost_pc = pc;
	if (++follow->steps > STEPS_MAX || !note_place(follow, pc))
		return false;
	enum code_step_result result = code_step(state);

	if (state->memory.below->is_lost)
		return false;
	switch (result) {
	case CODE_STEPPED:
		note_call(way, pc, sp);
		*ret_arrived = state->pc <= pc && state->reg[CODE_RSP].number >= sp;
		return !*ret_arrived || arrive(follow, way, state->pc);
	case CODE_LEFT:
		note_call(way, pc, sp);
		return true;
	case CODE_FORKED:
		*ret_arrived = true;
		return arrive(follow, way, state->pc) && arrive(follow, way, state->other_pc);
	case CODE_SYSTEM_CALL:
		return pass_call(follow, state);
	default:
		return false;
	}
}

static struct spin_point *open_point(struct spin_follow *follow)
{
	for (unsigned i = 0; i < follow->point_count; i++)
		if (follow->points[i].is_open)
			return &follow->points[i];
	return NULL;
}

bool spin_follow_is_endless(struct spin_follow *follow, const struct code_state *start)
{
	struct spin_way way = {.state = *start};
	struct spin_point *point;

	memset(follow->places, 0, sizeof(follow->places));
	follow->point_count = follow->steps = follow->place_count = 0;
	follow->futex_word = 0;
	follow->sleeps = false;
	do {
		for (bool arrived = false; !arrived;)
			if (!step(follow, &way, &arrived))
				return false;
		point = open_point(follow);
		if (point) {
			point->is_open = false;
			way = (struct spin_way){point->state, point->calls};
		}
	} while (point);
	follow->lost_pc = 0;
	return !start->memory.below->is_lost;
}
