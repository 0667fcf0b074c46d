/* What is known while code is followed, against the processor: a live loop is followed instruction by
 * instruction while the process runs the same ones. */
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "code_arithmetic.h"
#include "code_step.h"
#include "loops/spin_loops.h"
#include "proc_stop.h"
#include "spin_call.h"
#include "spin_follow.h"
#include "spin_memory.h"

enum { STEPS = 1500, WORD = 8 };

static unsigned long steps_compared;

static bool step_process(pid_t pid, struct user_regs_struct *ret_user)
{
	int status;

	return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) == pid &&
	       WIFSTOPPED(status) && ptrace(PTRACE_GETREGS, pid, NULL, ret_user) == 0;
}

static bool agrees(struct code_value value, uint64_t number)
{
	return !value.known || code_truncate(value.number ^ number, value.known) == 0;
}

static bool flags_agree(const struct code_state *state, uint64_t flags)
{
	bool others = state->zero == (flags >> 6 & 1) && state->sign == (flags >> 7 & 1) &&
	              state->overflow == (flags >> 11 & 1);

	return (others || !state->flags_known) && (state->carry == (flags & 1) || !state->carry_known);
}

static void compare(const struct code_state *state, const struct user_regs_struct *user, const char *name)
{
	const uint64_t numbers[CODE_REGISTERS] = {
	    user->rax, user->rcx, user->rdx, user->rbx, user->rsp, user->rbp, user->rsi, user->rdi,
	    user->r8,  user->r9,  user->r10, user->r11, user->r12, user->r13, user->r14, user->r15,
	};

	cr_assert_eq(state->pc, user->rip, "%s: at %#lx, not %#llx", name, state->pc, user->rip);
	cr_assert(flags_agree(state, user->eflags), "%s: flags before %#lx", name, state->pc);
	for (unsigned i = 0; i < CODE_REGISTERS; i++)
		cr_assert(agrees(state->reg[i], numbers[i]), "%s: register %u before %#lx: %#lx, not %#lx",
		          name, i, state->pc, state->reg[i].number, numbers[i]);
	steps_compared++;
}

/* Before the process makes the step, which changes the memory that is read here. False where it is not
 * followed any further. */
static bool follow_one(struct code_state *state)
{
	state->other_pc = 0;
	switch (code_step(state)) {
	case CODE_SYSTEM_CALL:
		return spin_call_pass(state, (long)state->reg[CODE_RAX].number);
	case CODE_LOST:
		return false;
	default:
		return !state->memory.below->is_lost;
	}
}

static void run_beside(pid_t pid, const char *name)
{
	struct spin_memory memory;
	struct user_regs_struct user;

	cr_assert(proc_stop_begin(pid, &user));
	if ((int64_t)user.orig_rax >= 0) {
		/* Out of the system call first. */
		cr_assert(step_process(pid, &user));
	}
	cr_assert(spin_memory_open(pid, user.rsp, user.fs_base, &memory));
	cr_assert(proc_stop_changing(pid, &memory.changing.address, &memory.changing.size_bytes));
	struct code_state state = spin_follow_state(&user, &memory);

	for (int i = 0; i < STEPS; i++) {
		if (!follow_one(&state) || !step_process(pid, &user))
			break;
		if (state.other_pc == user.rip)
			state.pc = state.other_pc;
		compare(&state, &user, name);
	}
	spin_memory_close(&memory);
}

static void check(const struct spin_loop_case *one)
{
	int *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(words, MAP_FAILED);
	spin_loops_shared = words + 1;
	spin_loops_of_file = spin_loops_map_file();
	for (; one->name; one++) {
		volatile int *is_there = words;

		*is_there = 0;
		pid_t pid = fork();

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			*is_there = 1;
			one->run();
			_exit(0);
		}
		while (!*is_there)
			sched_yield();
		run_beside(pid, one->name);
		kill(pid, SIGKILL);
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
	}
}

#define CHECK_LEVEL(suffix)                                                                                  \
	Test(spin_follow, knows_only_what_the_processor_does_at_##suffix, .timeout = 120)                    \
	{                                                                                                    \
		check(spin_loops_##suffix);                                                                  \
		cr_expect_gt(steps_compared, 10000);                                                         \
	}
CHECK_LEVEL(0)
CHECK_LEVEL(2)
CHECK_LEVEL(3)
CHECK_LEVEL(s)
