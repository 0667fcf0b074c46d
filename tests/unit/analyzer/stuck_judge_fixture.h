/* A made-up process at a standstill, and what is claimed of it. */
#ifndef AFTERFORK_TESTS_STUCK_JUDGE_FIXTURE_H
#define AFTERFORK_TESTS_STUCK_JUDGE_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>

#include "signal_classes.h"
#include "stuck_judge.h"

static const char maps_text[] = "400000-401000 r-xp 00000000 fe:00 1 /opt/shop\n"
                                "401000-402000 rw-p 00001000 fe:00 1 /opt/shop\n"
                                "402000-404000 rw-p 00000000 00:00 0 \n"
                                "500000-600000 rw-p 00000000 00:00 0 [heap]\n"
                                "700000-701000 rw-s 00000000 00:01 9 /tmp/shared\n"
                                "701000-702000 rw-p 00000000 00:00 0 \n"
                                "800000-801000 rw-p 00001000 fe:00 2 /lib/libc.so.6\n"
                                "900000-910000 rw-p 00000000 00:00 0 [stack]\n";
enum {
	STATIC = 0x401100,
	BSS = 0x403000,
	HEAP = 0x500400,
	SHARED = 0x700000,
	BEHIND_SHARED = 0x701100,
	LIBC = 0x800100,
	STACK = 0x900800
};

static struct stuck_process process;
static struct stuck_thread threads[2];
static struct stuck_vanished vanished;
static struct stack_frame frames[2][8];
static struct stuck_stack stacks[2];

/* What the thread sleeps on. */
static inline void wait_at(unsigned thread, uint64_t address)
{
	threads[thread].wait.address = threads[thread].object.address = address;
}

static inline void add_frame(unsigned thread, const char *path, const char *function)
{
	struct stack_frame *frame = &frames[thread][stacks[thread].count++];

	frame->pc = 0x400100;
	frame->has_module = true;
	strcpy(frame->module_path, path);
	strcpy(frame->function, function);
}

/* One thread, forked with others beside it, no handler: as clear as it gets. */
static inline void set_up(void)
{
	cr_assert(proc_maps_parse(maps_text, strlen(maps_text), &process.maps));
	process.threads = threads;
	process.thread_count = 1;
	process.vanished_threads = 1;
	process.forking_tid = 6;
	process.vanished = (struct stuck_vanished_list){.items = &vanished, .count = 1};
	vanished.known.tid = vanished.known.owner_tid = 7;
	process.signals_known = true;
	for (unsigned i = 0; i < 2; i++) {
		wait_at(i, STATIC);
		threads[i].source.registers[STACK_REGISTER_SP] = 0x900100;
		stacks[i].frames = frames[i];
	}
}

static inline void release(void)
{
	proc_maps_release(&process.maps);
}

static inline struct stuck_judgement expect(enum stuck_verdict verdict, uint32_t kind)
{
	struct stuck_judgement judgement = stuck_judge(&process, stacks);

	cr_assert_eq(judgement.verdict, verdict, "verdict %d", judgement.verdict);
	if (verdict == STUCK_UNCLEAR)
		return judgement;
	cr_assert_eq(judgement.kind, kind, "kind %u", judgement.kind);
	cr_assert(judgement.proof & TRACE_PROOF_STANDSTILL);
	cr_assert_eq(!!(judgement.proof & TRACE_PROOF_UNTIL_ASKED), verdict == STUCK_UNTIL_ASKED);
	if (verdict == STUCK_ANYHOW || verdict == STUCK_UNTIL_ASKED)
		cr_assert_eq(judgement.observed, TRACE_STUCK_FOR_ANOTHER_REASON);
	return judgement;
}

#endif
