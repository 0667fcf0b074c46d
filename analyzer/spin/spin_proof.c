#include "spin_proof.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <time.h>

#include "proc_stop.h"
#include "spin_call.h"
#include "spin_follow.h"
#include "spin_memory.h"

enum { WORD = 8, LOOKS_MAX = 10 };

/* Too much for a stack. */
struct spin_proof {
	struct spin_memory memory;
	struct spin_follow loop, trial;
	struct code_state start;
};

/* A stop in the middle of a system call shows the kernel's own codes for "call again". */
static bool is_in_call(const struct user_regs_struct *user)
{
	enum { RESTART_FIRST = 512, RESTART_LAST = 516 };
	int64_t result = (int64_t)user->rax;

	return (int64_t)user->orig_rax >= 0 && result <= -RESTART_FIRST && result >= -RESTART_LAST;
}

enum { CALL_BYTES = 2 };

static bool is_call_at(struct spin_memory *memory, uint64_t pc)
{
	unsigned char code[CALL_BYTES];

	return spin_memory_copy(memory, pc, code, CALL_BYTES) && code[0] == 0x0f && code[1] == 0x05;
}

/* The number that the code puts into eax right before the system call at pc, as compilers do; -1: not there.
 */
static long number_in_code(struct spin_memory *memory, uint64_t pc)
{
	enum { MOVE_TO_EAX = 0xb8, MOVE_BYTES = 5 };
	unsigned char code[MOVE_BYTES];
	uint32_t number;

	if (!is_call_at(memory, pc) || !spin_memory_copy(memory, pc - MOVE_BYTES, code, MOVE_BYTES) ||
	    code[0] != MOVE_TO_EAX)
		return -1;
	memcpy(&number, code + 1, sizeof(number));
	return number;
}

enum look { LOOK_AGAIN, LOOK_DONE };

/* The thread as it will be once the system call that it is in, if any, has come back. One that was stopped by
 * an earlier look goes on under another number. */
static enum look leave_call(struct code_state *state, const struct user_regs_struct *user, bool *ret_left)
{
	struct spin_memory *memory = state->memory.below;
	bool is_in = is_in_call(user),
	     is_before = !is_in && user->rax == SYS_restart_syscall && is_call_at(memory, user->rip);
	uint64_t pc = is_before ? user->rip : user->rip - CALL_BYTES;
	long number = (long)user->orig_rax;

	*ret_left = true;
	if (!is_in && !is_before)
		return LOOK_DONE;
	if (is_before || number == SYS_restart_syscall) {
		number = number_in_code(memory, pc);
		if (number < 0)
			return LOOK_AGAIN;
	}
	state->pc = pc + CALL_BYTES;
	*ret_left = spin_call_pass(state, number);
	return LOOK_DONE;
}

static enum look follow(struct spin_proof *proof, pid_t pid, const struct user_regs_struct *user,
                        bool *ret_proven)
{
	struct spin_memory *memory = &proof->memory;
	bool left;

	*ret_proven = false;
	if (!spin_memory_open(pid, user->rsp, user->fs_base, memory) ||
	    !proc_stop_changing(pid, &memory->changing.address, &memory->changing.size_bytes))
		return LOOK_DONE;
	proof->start = spin_follow_state(user, memory);
	if (leave_call(&proof->start, user, &left) == LOOK_AGAIN)
		return LOOK_AGAIN;
	*ret_proven = left && spin_follow_is_endless(&proof->loop, &proof->start);
	return LOOK_DONE;
}

enum part { NO_PART, FLAG, LOCK };

/* Were it not known, could the loop be left? An address that is not known tells nothing: the code is lost
 * where it is used. What is stored to in the loop, or on the way out, is a lock that is tried. */
static enum part part_of(struct spin_proof *proof, struct spin_range word)
{
	struct spin_memory *memory = &proof->memory;

	memory->hidden = word;
	memory->is_lost = memory->hidden_is_stored_to = false;
	if (spin_follow_is_endless(&proof->trial, &proof->start) ||
	    spin_follow_met(&proof->loop, proof->trial.lost_pc))
		return NO_PART;
	return memory->hidden_is_stored_to ? LOCK : FLAG;
}

/* Who sleeps between two looks at a flag may have all the time in the world. */
static uint64_t find_word(struct spin_proof *proof)
{
	struct spin_range loads[SPIN_LOADS_MAX];
	unsigned count = proof->memory.load_count;
	uint64_t flag = 0;

	memcpy(loads, proof->memory.loads, sizeof(loads));
	for (unsigned i = 0; i < count; i++) {
		enum part part = part_of(proof, loads[i]);

		if (part == LOCK)
			return loads[i].address;
		if (part == FLAG && !flag)
			flag = loads[i].address;
	}
	return proof->loop.sleeps ? 0 : flag;
}

static uint64_t or_now(const struct code_state *state, unsigned reg, uint64_t now)
{
	return code_is_number(state->reg[reg], WORD) ? state->reg[reg].number : now;
}

/* The function that loops, not one that it calls meanwhile: the same at each look. */
static void describe_place(const struct spin_follow *loop, const struct user_regs_struct *user,
                           uint64_t registers[STACK_REGISTERS])
{
	const struct code_state *place = &loop->points[0].state;

	for (unsigned i = 1; i < loop->point_count; i++) {
		const struct code_state *other = &loop->points[i].state;
		uint64_t sp = other->reg[CODE_RSP].number, best = place->reg[CODE_RSP].number;

		if (sp > best || (sp == best && other->pc < place->pc))
			place = other;
	}
	const uint64_t in_order[STACK_REGISTERS] = {
	    or_now(place, CODE_RAX, user->rax),
	    or_now(place, CODE_RDX, user->rdx),
	    or_now(place, CODE_RCX, user->rcx),
	    or_now(place, CODE_RBX, user->rbx),
	    or_now(place, CODE_RSI, user->rsi),
	    or_now(place, CODE_RDI, user->rdi),
	    or_now(place, CODE_RBP, user->rbp),
	    place->reg[CODE_RSP].number,
	    or_now(place, CODE_R8, user->r8),
	    or_now(place, 9, user->r9),
	    or_now(place, 10, user->r10),
	    or_now(place, 11, user->r11),
	    or_now(place, 12, user->r12),
	    or_now(place, 13, user->r13),
	    or_now(place, 14, user->r14),
	    or_now(place, 15, user->r15),
	    place->pc,
	};
	memcpy(registers, in_order, sizeof(in_order));
}

/* A short nap that an earlier look interrupted is soon over. */
static bool look(struct spin_proof *proof, pid_t pid, struct user_regs_struct *ret_user)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	bool proven = false;

	for (int i = 0; i < LOOKS_MAX && proc_stop_begin(pid, ret_user); i++) {
		enum look result = follow(proof, pid, ret_user, &proven);

		proc_stop_end(pid);
		if (result == LOOK_DONE)
			break;
		spin_memory_close(&proof->memory);
		nanosleep(&pause, NULL);
	}
	return proven;
}

bool spin_proof_find(pid_t pid, struct spin_loop *ret_loop)
{
	struct spin_proof *proof = calloc(1, sizeof(*proof));
	struct user_regs_struct user;
	bool proven = proof && look(proof, pid, &user);

	if (proven) {
		*ret_loop = (struct spin_loop){.word = find_word(proof), .thread_pointer = user.fs_base};
		ret_loop->sleeps_on_word = ret_loop->word && proof->loop.futex_word == ret_loop->word;
		describe_place(&proof->loop, &user, ret_loop->registers);
	}
	if (proof)
		spin_memory_close(&proof->memory);
	free(proof);
	return proven;
}
