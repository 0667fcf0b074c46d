#include "retry_proof.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <threads.h>
#include <time.h>

#include "call_id.h"
#include "code_step.h"
#include "fork_snapshot.h"
#include "lock_word.h"
#include "next_symbol.h"
#include "own_memory.h"
#include "placement.h"

enum {
	WORD = 8,
	STEPS_MAX = 4000,
	ROUNDS_MAX = 32,
	WAYS_MAX = 6, /* that are open at a time */
	NANOSECONDS = 1000000000,
	NO_REGISTER = 0xff,
};

/* The tries that a program may repeat: where the time limit is, and what of the call's result is an error. */
static const struct try_call {
	const void *function;
	unsigned call;
	uint8_t time, clock; /* the registers of these arguments */
	enum { RETURNS_ERROR, RETURNS_THRD, RETURNS_MINUS_1 } returns;
} tries[] = {
#define TRY(name, time, clock, returns)                                                                      \
	{                                                                                                    \
		(const void *)name, CALL_##name, time, clock, returns                                        \
	}
    TRY(pthread_mutex_trylock, NO_REGISTER, NO_REGISTER, RETURNS_ERROR),
    TRY(pthread_mutex_timedlock, CODE_RSI, NO_REGISTER, RETURNS_ERROR),
    TRY(pthread_mutex_clocklock, CODE_RDX, CODE_RSI, RETURNS_ERROR),
    TRY(mtx_trylock, NO_REGISTER, NO_REGISTER, RETURNS_THRD),
    TRY(mtx_timedlock, CODE_RSI, NO_REGISTER, RETURNS_THRD),
    TRY(pthread_rwlock_tryrdlock, NO_REGISTER, NO_REGISTER, RETURNS_ERROR),
    TRY(pthread_rwlock_timedrdlock, CODE_RSI, NO_REGISTER, RETURNS_ERROR),
    TRY(pthread_rwlock_clockrdlock, CODE_RDX, CODE_RSI, RETURNS_ERROR),
    TRY(pthread_rwlock_trywrlock, NO_REGISTER, NO_REGISTER, RETURNS_ERROR),
    TRY(pthread_rwlock_timedwrlock, CODE_RSI, NO_REGISTER, RETURNS_ERROR),
    TRY(pthread_rwlock_clockwrlock, CODE_RDX, CODE_RSI, RETURNS_ERROR),
    TRY(pthread_spin_trylock, NO_REGISTER, NO_REGISTER, RETURNS_ERROR),
    TRY(sem_trywait, NO_REGISTER, NO_REGISTER, RETURNS_MINUS_1),
    TRY(sem_timedwait, CODE_RSI, NO_REGISTER, RETURNS_MINUS_1),
    TRY(sem_clockwait, CODE_RDX, CODE_RSI, RETURNS_MINUS_1),
#undef TRY
};

/* What may be called between two tries: it comes back, and changes no memory but what it is given to fill. */
static struct pastime {
	const char *name;
	uint8_t filled;                         /* the register that points to it */
	uint8_t clock, first_clock, last_clock; /* that register says which time it is filled with */
	bool returns_zero;
	uintptr_t function; /* where libc has it; 0: another library has it, too */
} pastimes[] = {
#define PASTIME(name, filled, returns_zero)                                                                  \
	{                                                                                                    \
#name, filled, NO_REGISTER, 0, 0, returns_zero, 0                                            \
	}
    PASTIME(sched_yield, NO_REGISTER, true),
    PASTIME(thrd_yield, NO_REGISTER, false),
    PASTIME(usleep, NO_REGISTER, false),
    PASTIME(sleep, NO_REGISTER, false),
    PASTIME(nanosleep, CODE_RSI, false),
    PASTIME(clock_nanosleep, CODE_RCX, false),
    PASTIME(thrd_sleep, CODE_RSI, false),
    PASTIME(gettimeofday, CODE_RDI, false),
    PASTIME(time, CODE_RDI, false),
    {"clock_gettime", CODE_RSI, CODE_RDI, CLOCK_REALTIME, CLOCK_BOOTTIME, true, 0},
    {"timespec_get", CODE_RDI, CODE_RSI, TIME_UTC, TIME_UTC, false, 0},
#undef PASTIME
};

/* One at a time: this is too much for the stack of a thread that is not ours. */
static struct proof {
	_Atomic uint32_t user; /* generation of the process that is at it; 0: free */
	const struct retry *retry;
	const struct try_call *call;
	struct code_state start, now;
	struct code_state open[WAYS_MAX]; /* branches that were not taken yet */
	struct code_pointers pointers;
	unsigned open_count;
	bool limit_may_be_refused; /* then a try may give EINVAL as well */
	struct code_value lock;    /* that the next try will be of, by the ways gone so far */
	bool has_lock;
	bool differs_in[CODE_STACK_BYTES]; /* from try to try: taken as unknown */
	bool differs_register[CODE_REGISTERS];
} proof PAGES_OF_ITS_OWN;

static const uint8_t kept_registers[] = {CODE_RBX, CODE_RBP, 12, 13, 14, 15};

/* Another library may have its own that does more, such as run another coroutine. */
static void find_pastimes(void)
{
	static bool done;
	for (unsigned i = 0; i < sizeof pastimes / sizeof *pastimes && !done; i++)
		pastimes[i].function = (uintptr_t)next_symbol_find_in_libc(pastimes[i].name);
	done = true;
}

static uint64_t end_of_stack(const struct stack_bounds *bounds, uint64_t sp)
{
	if (sp >= bounds->low && sp < bounds->high)
		return bounds->high;
	return sp >= bounds->other_low && sp < bounds->other_high ? bounds->other_high : 0;
}

/* As the call returns it, an int. */
static uint32_t result_of(const struct try_call *call, int error)
{
	switch (call->returns) {
	case RETURNS_THRD:
		return error == EBUSY ? thrd_busy : error == ETIMEDOUT ? thrd_timedout : thrd_error;
	case RETURNS_MINUS_1:
		return (uint32_t)-1;
	default:
		return (uint32_t)error;
	}
}

static void begin_round(uint64_t high, int error)
{
	struct code_state *start = &proof.start;
	code_memory_init(start, proof.retry->regs.sp, high);
	start->pc = proof.retry->regs.pc;
	start->memory.pointers = &proof.pointers;
	start->memory.forbidden_low = proof.retry->lock;
	start->memory.forbidden_high = proof.retry->lock + sizeof(union lock_copy);
	for (uint32_t i = 0; i < start->memory.stack_size_bytes; i++)
		start->memory.stack_known[i] &= !proof.differs_in[i];
	for (unsigned i = 0; i < sizeof kept_registers; i++) {
		uint8_t reg = kept_registers[i];
		if (!proof.differs_register[reg])
			start->reg[reg] = (struct code_value){0, WORD, reg};
	}
	if (!proof.differs_register[CODE_RBP])
		start->reg[CODE_RBP] = code_number(proof.retry->regs.bp, WORD);
	start->reg[CODE_RSP] = code_number(proof.retry->regs.sp, WORD);
	start->reg[CODE_RAX] = code_number(result_of(proof.call, error), sizeof(int));
	proof.now = *start;
	proof.open_count = 0;
	proof.has_lock = false;
	if (proof.limit_may_be_refused) {
		proof.open[proof.open_count] = *start;
		proof.open[proof.open_count++].reg[CODE_RAX] =
		    code_number(result_of(proof.call, EINVAL), sizeof(int));
	}
}

static bool is_zero(struct code_value value)
{
	return code_is_number(value, WORD) && value.number == 0;
}

static bool is_in_range(const struct code_state *state, unsigned reg, uint64_t low, uint64_t high)
{
	struct code_value value = code_state_get(state, reg, sizeof(int));
	return code_is_number(value, sizeof(int)) && value.number >= low && value.number <= high;
}

/* Another clock would be refused, and nothing be filled. */
static bool asks_known_clock(const struct code_state *state, const struct pastime *pastime)
{
	return pastime->clock != NO_REGISTER &&
	       is_in_range(state, pastime->clock, pastime->first_clock, pastime->last_clock);
}

/* The struct timespec or the like that the function fills, or would. It is no lock, wherever it lies. */
static bool fill(struct code_state *state, const struct pastime *pastime)
{
	if (pastime->filled == NO_REGISTER || is_zero(state->reg[pastime->filled]))
		return true;
	struct code_value at = state->reg[pastime->filled], part = at;
	if (!code_is_number(at, WORD)) {
		code_memory_forget_stack(state);
		return true;
	}
	part.number += WORD;
	struct code_value nanoseconds =
	    asks_known_clock(state, pastime) ? (struct code_value){0, WORD, CODE_NANOSECONDS} : code_unknown;
	return code_memory_store(state, at, WORD, code_unknown) &&
	       code_memory_store(state, part, WORD, nanoseconds);
}

/* A call of one of them, up to its return. */
static bool pass_time(struct code_state *state)
{
	static const uint8_t clobbered[] = {CODE_RAX, CODE_RCX, CODE_RDX, CODE_RSI, CODE_RDI,
	                                    CODE_R8,  9,        10,       11};
	const struct pastime *pastime = pastimes, *end = pastimes + sizeof pastimes / sizeof *pastimes;
	struct code_value target;
	while (pastime < end && pastime->function != state->pc)
		pastime++;
	if (pastime == end || !code_state_pop(state, &target) || !code_is_number(target, WORD) ||
	    !fill(state, pastime))
		return false;
	bool returns_zero =
	    pastime->returns_zero && (pastime->clock == NO_REGISTER || asks_known_clock(state, pastime));
	for (unsigned i = 0; i < sizeof clobbered; i++)
		state->reg[clobbered[i]] = code_unknown;
	if (returns_zero)
		state->reg[CODE_RAX] = code_number(0, sizeof(int));
	state->flags_known = false;
	state->pc = target.number;
	return true;
}

/* Back at the call, by the very same way into it. */
static bool is_back(const struct code_state *state)
{
	const struct code_value sp = state->reg[CODE_RSP];
	struct code_value back = code_memory_load(state, sp, WORD);
	return state->pc == (uintptr_t)proof.call->function && sp.number + WORD == proof.retry->regs.sp &&
	       code_is_number(back, WORD) && back.number == proof.retry->regs.pc;
}

/* A time limit that is refused would give another result than before. */
static bool has_valid_limit(const struct code_state *state)
{
	const struct try_call *call = proof.call;
	if (call->time == NO_REGISTER)
		return true;
	struct code_value at = state->reg[call->time];
	at.number += WORD;
	struct code_value part = code_memory_load(state, at, WORD);
	bool valid = part.base == CODE_NANOSECONDS ? part.number == 0
	                                           : code_is_number(part, WORD) && part.number < NANOSECONDS;
	return valid && (call->clock == NO_REGISTER ||
	                 is_in_range(state, call->clock, CLOCK_REALTIME, CLOCK_MONOTONIC));
}

static bool is_same_value(struct code_value a, struct code_value b)
{
	return a.known == WORD && b.known == WORD && a.base == b.base && a.number == b.number;
}

/* All ways have to lead to the same lock. */
static bool note_lock(struct code_value lock)
{
	bool is_other = lock.known < WORD || (proof.has_lock && !is_same_value(lock, proof.lock)) ||
	                (lock.base == CODE_NO_BASE && lock.number != proof.retry->lock);
	proof.lock = lock;
	proof.has_lock = true;
	return !is_other;
}

/* True where something was found that is not the same as at the last try; it is unknown from now on. */
static bool note_differences(void)
{
	const struct code_state *start = &proof.start, *now = &proof.now;
	bool any = false;
	for (unsigned i = 0; i < sizeof kept_registers; i++) {
		uint8_t reg = kept_registers[i];
		bool differs = !proof.differs_register[reg] && !is_same_value(start->reg[reg], now->reg[reg]);
		proof.differs_register[reg] |= differs;
		any |= differs;
	}
	for (uint32_t i = CODE_BELOW_BYTES; i < start->memory.stack_size_bytes; i++) {
		bool differs =
		    start->memory.stack_known[i] &&
		    (!now->memory.stack_known[i] || start->memory.stack[i] != now->memory.stack[i]);
		proof.differs_in[i] |= differs;
		any |= differs;
	}
	return any;
}

/* One way back to the call. The other branches on it are left for later. */
static bool go_way(unsigned *steps)
{
	struct code_state *state = &proof.now;
	for (; *steps < STEPS_MAX; ++*steps) {
		if (is_back(state))
			return true;
		switch (code_step(state)) {
		case CODE_STEPPED:
			break;
		case CODE_FORKED:
			if (proof.open_count == WAYS_MAX)
				return false;
			proof.open[proof.open_count] = *state;
			proof.open[proof.open_count++].pc = state->other_pc;
			break;
		case CODE_LEFT:
			if (!is_back(state) && !pass_time(state))
				return false;
			break;
		default:
			return false;
		}
	}
	return false;
}

enum round { ROUND_LOST, ROUND_SAME, ROUND_DIFFERS };

/* All ways. */
static enum round go_round(void)
{
	unsigned steps = 0, pointers = proof.pointers.count;
	bool differs = false;
	for (;;) {
		if (!go_way(&steps))
			return ROUND_LOST;
		/* In a later round it may be unknown, never again the same. */
		if (!note_lock(proof.now.reg[CODE_RDI]))
			return ROUND_LOST;
		bool is_refused = !proof.limit_may_be_refused && !has_valid_limit(&proof.now);
		proof.limit_may_be_refused |= is_refused;
		differs |= note_differences() || is_refused;
		if (proof.open_count == 0)
			break;
		proof.now = proof.open[--proof.open_count];
	}
	/* Before a pointer was met something may have been stored there. */
	return differs || proof.pointers.count > pointers ? ROUND_DIFFERS : ROUND_SAME;
}

static enum retry_proof find(uint64_t high, int error)
{
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		begin_round(high, error);
		switch (go_round()) {
		case ROUND_SAME:
			return proof.lock.base == CODE_NO_BASE ? RETRY_ENDLESS : RETRY_ENDLESS_IF_SAME;
		case ROUND_LOST:
			return RETRY_UNPROVEN;
		default:
			break;
		}
	}
	return RETRY_UNPROVEN;
}

/* A fork may have come while a thread of the parent was at it. */
static bool take_turn(void)
{
	uint32_t user = atomic_load(&proof.user);
	return user != process.generation + 1 &&
	       atomic_compare_exchange_strong(&proof.user, &user, process.generation + 1);
}

enum retry_proof retry_proof_find(const struct retry *retry, int error)
{
	const struct try_call *call = tries, *end = tries + sizeof tries / sizeof *tries;
	uint64_t high = end_of_stack(retry->bounds, retry->regs.sp);
	while (call < end && call->call != retry->call)
		call++;
	if (call == end || !high || (error != EBUSY && error != ETIMEDOUT) ||
	    !own_memory_is_private(retry->regs.sp) || !take_turn())
		return RETRY_UNPROVEN;
	find_pastimes();
	proof.retry = retry;
	proof.call = call;
	proof.limit_may_be_refused = false;
	proof.pointers.count = 0;
	__builtin_memset(proof.differs_in, 0, sizeof proof.differs_in);
	__builtin_memset(proof.differs_register, 0, sizeof proof.differs_register);
	enum retry_proof result = find(high, error);
	atomic_store(&proof.user, 0);
	return result;
}
