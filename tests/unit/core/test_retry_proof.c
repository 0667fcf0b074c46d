/* What is proven of real loops, as the compiler makes them. The tries are this file's own: each lets the
 * proof look at its caller, and after a few the loop is left. */
#include <criterion/criterion.h>
#include <setjmp.h>

#include "core_fixture.h"
#include "loops/retry_loops.h"
#include "retry_proof.h"

enum { TRIES = 3 };

static struct {
	jmp_buf out;
	struct retry retry;
	int error, tries;
	enum retry_proof last;
	bool same; /* as at the try before */
} play;

static struct stack_bounds bounds;

static int fail(const void *mutex, unsigned call, struct call_registers regs)
{
	play.same = play.retry.lock == (uint64_t)(uintptr_t)mutex && play.retry.regs.pc == regs.pc &&
	            play.retry.regs.sp == regs.sp;
	play.retry = (struct retry){(uint64_t)(uintptr_t)mutex, call, regs, &bounds};
	if (++play.tries == TRIES)
		longjmp(play.out, 1);
	play.last = retry_proof_find(&play.retry, play.error);
	return play.error;
}

/* These stand for libc's in this whole program: nobody else in it tries. */
int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	return fail(mutex, CALL_pthread_mutex_trylock, (struct call_registers)CALL_REGISTERS_OF_CALLER());
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict limit)
{
	(void)limit;
	return fail(mutex, CALL_pthread_mutex_timedlock, (struct call_registers)CALL_REGISTERS_OF_CALLER());
}

void retry_loops_work(void)
{
	static volatile int work;
	if (work++ > 1000000)
		longjmp(play.out, 1);
}

static bool is_proven(const struct retry_loop_case *loop)
{
	memset(&play, 0, sizeof play);
	play.error = loop->error;
	if (!setjmp(play.out))
		loop->run();
	return play.last != RETRY_UNPROVEN && (play.last == RETRY_ENDLESS || play.same);
}

static void start(void)
{
	pthread_attr_t attributes;
	void *low;
	size_t size_bytes;

	core_start();
	cr_assert_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
	cr_assert_eq(pthread_attr_getstack(&attributes, &low, &size_bytes), 0);
	bounds.low = (uint64_t)(uintptr_t)low;
	bounds.high = bounds.low + size_bytes;
}

static void check(const struct retry_loop_case *loops, const char *level)
{
	start();
	for (const struct retry_loop_case *loop = loops; loop->name; loop++) {
		bool proven = is_proven(loop);
		cr_expect(!proven || loop->is_endless, "%s: \"%s\" ends, and was proven not to", level,
		          loop->name);
/* What another compiler makes of the same loops may be more than is followed; that is a miss. */
#if !defined(__clang__) && !CORE_IS_SANITIZED
		cr_expect(proven || !loop->is_endless, "%s: \"%s\" never ends, and was not proven to", level,
		          loop->name);
#endif
	}
}

#define LEVEL(suffix)                                                                                        \
	Test(retry_proof, tells_endless_loops_from_others_at_O##suffix)                                      \
	{                                                                                                    \
		check(retry_loops_##suffix, "-O" #suffix);                                                   \
	}
LEVEL(0)
LEVEL(1)
LEVEL(2)
LEVEL(3)
LEVEL(s)
