#include "spin_call.h"

#include <linux/futex.h>
#include <sys/syscall.h>

enum { WORD = 8, NOTHING = -1 };
enum condition { ANY, FUTEX, NO_DESCRIPTORS };

/* In the order of the system call's arguments. */
static const uint8_t registers[SPIN_CALL_ARGUMENTS] = {CODE_RDI, CODE_RSI, CODE_RDX, 10, CODE_R8, 9};

static const struct spin_call {
	long number;
	int filled; /* the argument that points to 16 bytes which the call may fill */
	enum condition condition;
} calls[] = {
    {SYS_sched_yield, NOTHING, ANY},
    {SYS_nanosleep, 1, ANY},
    {SYS_clock_nanosleep, 3, ANY},
    {SYS_futex, NOTHING, FUTEX},
    {SYS_poll, NOTHING, NO_DESCRIPTORS},
    {SYS_select, 4, NO_DESCRIPTORS},
    {SYS_clock_gettime, 1, ANY},
    {SYS_gettimeofday, 0, ANY},
    {SYS_time, 0, ANY},
    {SYS_getpid, NOTHING, ANY},
    {SYS_gettid, NOTHING, ANY},
};

static bool is_futex_wait(uint64_t operation)
{
	unsigned command = (unsigned)operation & FUTEX_CMD_MASK;

	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

static bool is_futex_wake(uint64_t operation)
{
	unsigned command = (unsigned)operation & FUTEX_CMD_MASK;

	return command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET;
}

static bool holds(const struct spin_call *call, const uint64_t arguments[SPIN_CALL_ARGUMENTS])
{
	switch (call->condition) {
	case FUTEX:
		return is_futex_wait(arguments[1]) || is_futex_wake(arguments[1]);
	case NO_DESCRIPTORS:
		return call->number == SYS_poll
		           ? arguments[1] == 0
		           : !arguments[0] && !arguments[1] && !arguments[2] && !arguments[3];
	default:
		return true;
	}
}

static const struct spin_call *find(long number, const uint64_t arguments[SPIN_CALL_ARGUMENTS])
{
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == number)
			return holds(&calls[i], arguments) ? &calls[i] : NULL;
	return NULL;
}

bool spin_call_is_pastime(long number, const uint64_t arguments[SPIN_CALL_ARGUMENTS])
{
	return find(number, arguments) != NULL;
}

static void read_arguments(const struct code_state *state, uint64_t ret_arguments[SPIN_CALL_ARGUMENTS])
{
	for (unsigned i = 0; i < SPIN_CALL_ARGUMENTS; i++)
		ret_arguments[i] = state->reg[registers[i]].number;
}

/* Which call it is hangs on so many of the arguments. */
static bool knows_arguments(const struct code_state *state, const struct spin_call *call)
{
	unsigned first = call->condition == FUTEX ? 1 : 0, count = call->condition == ANY       ? 0
	                                                           : call->number == SYS_select ? 4
	                                                                                        : 2;

	for (unsigned i = first; i < count; i++)
		if (!code_is_number(state->reg[registers[i]], i == 1 ? 4 : WORD))
			return false;
	return true;
}

static bool fill(struct code_state *state, int argument)
{
	if (argument == NOTHING)
		return true;
	struct code_value at = state->reg[registers[argument]];

	if (!code_is_number(at, WORD))
		return false;
	for (int i = 0; i < 2 && at.number; i++) {
		if (!code_memory_store(state, at, WORD, code_unknown))
			return false;
		at.number += WORD;
	}
	return true;
}

bool spin_call_pass(struct code_state *state, long number)
{
	uint64_t arguments[SPIN_CALL_ARGUMENTS];

	read_arguments(state, arguments);
	const struct spin_call *call = find(number, arguments);

	if (!call || !knows_arguments(state, call) || !fill(state, call->filled))
		return false;
	state->reg[CODE_RAX] = state->reg[CODE_RCX] = state->reg[11] = code_unknown;
	return true;
}

bool spin_call_sleeps(long number)
{
	return number == SYS_nanosleep || number == SYS_clock_nanosleep || number == SYS_poll ||
	       number == SYS_select;
}

uint64_t spin_call_futex(const struct code_state *state, long number)
{
	bool waits = number == SYS_futex && is_futex_wait(state->reg[CODE_RSI].number) &&
	             code_is_number(state->reg[CODE_RDI], WORD);

	return waits ? state->reg[CODE_RDI].number : 0;
}
