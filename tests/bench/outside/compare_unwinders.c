/* Stacks of another process, by elfutils' libdwfl as the watch from outside uses it and by libunwind's ptrace
 * side: time for a stack, and how many of its names are right.
 *
 * usage: compare_unwinders [ROUNDS]
 *
 * Each scenario is a child that sleeps in a place whose whole stack is known, functions included that a
 * stripped libc has no name for. The two take turns; each stack is taken anew, by a reader that knows
 * nothing. */
#include <libunwind-ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monotonic.h"
#include "proc_maps.h"
#include "proc_wait.h"
#include "stack_reader.h"

enum { ROUNDS = 41, FRAMES_MAX = 64, NAME_MAX_BYTES = 128, RECURSION = 40, STACK_MAX_BYTES = 1 << 20 };

static volatile int asleep = 1;

__attribute__((noinline)) static void sleep_for_ever(void)
{
	while (asleep)
		pause();
}

__attribute__((noinline)) static int compare(const void *a, const void *b)
{
	sleep_for_ever();
	return (a > b) - (a < b);
}

__attribute__((noinline)) static void in_qsort(void)
{
	int numbers[2] = {2, 1};

	qsort(numbers, 2, sizeof(*numbers), compare);
	__asm__ volatile("");
}

__attribute__((noinline)) static void in_exit(void)
{
	atexit(sleep_for_ever);
	exit(0);
}

__attribute__((noinline)) static void recurse(volatile int depth)
{
	if (depth)
		recurse(depth - 1);
	else
		sleep_for_ever();
	__asm__ volatile("");
}

__attribute__((noinline)) static void in_recursion(void)
{
	recurse(RECURSION - 1);
	__asm__ volatile("");
}

static const struct scenario {
	const char *name;
	void (*play)(void);
	const char *stack[8]; /* innermost first; "recurse" stands for all of them */
} scenarios[] = {
    {"qsort",
     in_qsort,
     {"pause", "sleep_for_ever", "compare", "msort_with_tmp", "qsort_r", "in_qsort", "play", "main"}},
    {"exit", in_exit, {"pause", "sleep_for_ever", "run_exit_handlers", "exit", "in_exit", "play", "main"}},
    {"recursion", in_recursion, {"pause", "sleep_for_ever", "recurse", "in_recursion", "play", "main"}},
};

struct stack {
	char names[FRAMES_MAX][NAME_MAX_BYTES]; /* "": none */
	size_t count;
	uint64_t took_ns;
};

static const char *plain(const char *name)
{
	if (strncmp(name, "__GI_", 5) == 0)
		name += 5;
	while (*name == '_')
		name++;
	return name;
}

struct score {
	size_t right, wrong, unnamed;
};

/* Compares with the truth, name by name, up to main. */
static struct score judge(const struct stack *stack, const struct scenario *scenario)
{
	struct score score = {0};
	size_t at = 0, recursions = 0;

	for (size_t i = 0; i < stack->count && at < 8 && scenario->stack[at]; i++) {
		const char *truth = scenario->stack[at];

		if (!stack->names[i][0])
			score.unnamed++;
		else if (strcmp(plain(stack->names[i]), truth) == 0)
			score.right++;
		else
			score.wrong++;
		if (strcmp(truth, "recurse") || ++recursions == RECURSION)
			at++;
	}
	return score;
}

static bool stop(pid_t pid, struct user_regs_struct *ret_registers)
{
	int status;

	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
	       waitpid(pid, &status, 0) == pid && ptrace(PTRACE_GETREGS, pid, NULL, ret_registers) == 0;
}

static void take_by_libdwfl(pid_t pid, struct stack *ret_stack)
{
	static struct stack_frame frames[FRAMES_MAX];
	struct user_regs_struct user;
	struct stack_source source = {.has_all_registers = true};
	struct proc_maps maps;
	unsigned flags;

	if (!stop(pid, &user) || !proc_maps_read(pid, &maps))
		return;
	const uint64_t in_order[STACK_REGISTERS] = {
	    user.rax, user.rdx, user.rcx, user.rbx, user.rsi, user.rdi, user.rbp, user.rsp, user.r8,
	    user.r9,  user.r10, user.r11, user.r12, user.r13, user.r14, user.r15, user.rip,
	};
	memcpy(source.registers, in_order, sizeof(in_order));
	stack_source_copy_memory(pid, &maps, user.rsp, STACK_MAX_BYTES, &source);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	struct stack_reader *reader = stack_reader_new(&maps);
	ret_stack->count = reader ? stack_reader_walk(reader, &source, frames, FRAMES_MAX, &flags) : 0;
	for (size_t i = 0; i < ret_stack->count; i++)
		snprintf(ret_stack->names[i], NAME_MAX_BYTES, "%s", frames[i].function);
	stack_reader_free(reader);
	free(source.memory);
	proc_maps_release(&maps);
}

static void take_by_libunwind(pid_t pid, struct stack *ret_stack)
{
	struct user_regs_struct user;
	unw_cursor_t cursor;
	unw_word_t offset;

	if (!stop(pid, &user))
		return;
	unw_addr_space_t space = unw_create_addr_space(&_UPT_accessors, 0);
	void *process = _UPT_create(pid);
	int more = unw_init_remote(&cursor, space, process) == 0;
	while (more > 0 && ret_stack->count < FRAMES_MAX) {
		char *name = ret_stack->names[ret_stack->count++];

		if (unw_get_proc_name(&cursor, name, NAME_MAX_BYTES, &offset) != 0)
			name[0] = '\0';
		more = unw_step(&cursor);
	}
	_UPT_destroy(process);
	unw_destroy_addr_space(space);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static const struct tool {
	const char *name;
	void (*take)(pid_t pid, struct stack *ret_stack);
} tools[] = {{"libdwfl", take_by_libdwfl}, {"libunwind-ptrace", take_by_libunwind}};
enum { TOOLS = sizeof(tools) / sizeof(*tools) };

static int compare_times(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Not inlined: it is on each stack. */
__attribute__((noinline)) static void play(const struct scenario *scenario)
{
	scenario->play();
	__asm__ volatile("");
}

static void wait_until_asleep(pid_t pid)
{
	char path[64], line[256] = "";
	long number = -1;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	for (;;) {
		FILE *file = fopen(path, "re");

		if (file && fgets(line, sizeof(line), file) && sscanf(line, "%ld", &number) == 1 &&
		    number == 34)
			break; /* pause() */
		if (file)
			fclose(file);
		usleep(1000);
	}
}

static void measure(const struct scenario *scenario, size_t rounds)
{
	uint64_t *times[TOOLS];
	static struct stack last[TOOLS];
	pid_t pid = fork();

	if (pid == 0) {
		play(scenario);
		_exit(1);
	}
	wait_until_asleep(pid);
	for (size_t i = 0; i < TOOLS; i++)
		times[i] = calloc(rounds, sizeof(**times));
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < TOOLS; i++) {
			uint64_t start_ns = monotonic_now_ns();

			memset(&last[i], 0, sizeof(last[i]));
			tools[i].take(pid, &last[i]);
			times[i][round] = monotonic_now_ns() - start_ns;
		}
	for (size_t i = 0; i < TOOLS; i++) {
		struct score score = judge(&last[i], scenario);

		qsort(times[i], rounds, sizeof(**times), compare_times);
		printf("%-10s %-17s %8.2f [%.2f %.2f] %7zu %6zu %6zu %8zu\n", scenario->name, tools[i].name,
		       (double)times[i][rounds / 2] / 1e6, (double)times[i][rounds / 4] / 1e6,
		       (double)times[i][rounds * 3 / 4] / 1e6, last[i].count, score.right, score.wrong,
		       score.unnamed);
		for (size_t frame = 0; frame < last[i].count && getenv("SHOW_STACKS"); frame++)
			printf("  %s\n", last[i].names[frame]);
		free(times[i]);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;

	printf("%-10s %-17s %8s %-11s %7s %6s %6s %8s\n", "stack in", "tool", "ms", "quartiles", "frames",
	       "right", "wrong", "unnamed");
	fflush(stdout);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		measure(&scenarios[i], rounds ? rounds : 1);
		fflush(stdout);
	}
	return 0;
}
