/* Loops of live processes that are followed from outside: those that nothing can end are proven so, by the
 * variable that keeps them going, and no others. */
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loops/spin_loops.h"
#include "proc_stat.h"
#include "spin_proof.h"

enum { LOOKS = 5 };

volatile int *spin_loops_shared;
const volatile int *spin_loops_of_file;
static volatile int *is_there;

const volatile int *spin_loops_map_file(void)
{
	FILE *file = tmpfile();

	cr_assert_not_null(file);
	cr_assert_eq(ftruncate(fileno(file), 4096), 0);
	const volatile int *words = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(file), 0);

	cr_assert_neq(words, MAP_FAILED);
	fclose(file);
	return words;
}

/* Not before its first round, which on a busy machine may be long after. */
static void wait_until_it_loops(pid_t pid)
{
	enum { TICKS = 2, SWITCHES = 10 };
	struct proc_stat before, now;
	uint64_t switches = proc_stat_switches(pid, pid);

	cr_assert(proc_stat_read(pid, 0, &before));
	do {
		nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
		cr_assert(proc_stat_read(pid, 0, &now));
	} while (now.cpu_ticks < before.cpu_ticks + TICKS &&
	         proc_stat_switches(pid, pid) < switches + SWITCHES);
}

static pid_t start(void (*run)(void))
{
	int *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(words, MAP_FAILED);
	is_there = words;
	spin_loops_shared = words + 1;
	spin_loops_of_file = spin_loops_map_file();
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*is_there = 1;
		run();
		_exit(0);
	}
	cr_assert(pid > 0);
	while (!*is_there)
		sched_yield();
	wait_until_it_loops(pid);
	return pid;
}

static void finish(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it had ended");
}

static void check(const struct spin_loop_case *one, const char *level)
{
	for (; one->name; one++) {
		pid_t pid = start(one->run);

		for (int i = 0; i < LOOKS; i++) {
			struct spin_loop loop, again;
			bool is_endless = spin_proof_find(pid, &loop);

			cr_expect_eq(is_endless, one->is_endless, "%s, %s", one->name, level);
			if (!is_endless || !one->is_endless)
				continue;
			cr_expect_eq(loop.word, (uintptr_t)one->word, "%s, %s: word %#lx, not %p", one->name,
			             level, loop.word, (const void *)one->word);
			cr_expect_eq(loop.sleeps_on_word, one->sleeps_on_word, "%s, %s", one->name, level);
			cr_expect(spin_proof_find(pid, &again) && spin_loop_is_same(&loop, &again),
			          "%s, %s: another loop", one->name, level);
		}
		finish(pid);
	}
}

#define CHECK_LEVEL(suffix)                                                                                  \
	Test(spin_proof, tells_loops_that_nothing_ends_at_##suffix, .timeout = 120)                          \
	{                                                                                                    \
		check(spin_loops_##suffix, "-O" #suffix);                                                    \
	}
CHECK_LEVEL(0)
CHECK_LEVEL(1)
CHECK_LEVEL(2)
CHECK_LEVEL(3)
CHECK_LEVEL(s)

Test(spin_proof, says_nothing_of_who_is_gone_or_traced_already, .timeout = 60)
{
	struct spin_loop loop;
	pid_t pid = start(spin_loops_2[0].run);

	cr_assert_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	cr_expect_not(spin_proof_find(pid, &loop));
	finish(pid);
	cr_expect_not(spin_proof_find(pid, &loop));
}

enum { PAGE_BYTES = 4096 };
static volatile int held = 1;
static unsigned char *pages;

/* pause; mov (%rdi),%eax; test %eax,%eax; jne to the pause; ret */
static const unsigned char spin_code[] = {0xf3, 0x90, 0x8b, 0x07, 0x85, 0xc0, 0x75, 0xf8, 0xc3};
enum { BYTES_BEFORE_EDGE = 3 }; /* the mov lies on both pages */

static void spins_over_an_edge(void)
{
	((void (*)(volatile int *))(uintptr_t)(pages + PAGE_BYTES - BYTES_BEFORE_EDGE))(&held);
}

/* Code that somebody has changed lies in a mapping of its own. */
Test(spin_proof, follows_code_over_the_edge_of_two_mappings, .timeout = 60)
{
	const struct spin_loop_case cases[] = {{"spins_over_an_edge", spins_over_an_edge, true, &held, false},
	                                       {0}};

	pages = mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	             -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	memcpy(pages + PAGE_BYTES - BYTES_BEFORE_EDGE, spin_code, sizeof spin_code);
	cr_assert_eq(mprotect(pages + PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_EXEC), 0);
	check(cases, "two mappings");
}
