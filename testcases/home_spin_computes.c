/* The child computes, for as long as it is let, with nothing but numbers in memory and in registers. There is
 * an end to it.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static uint64_t sum;

static void child(void)
{
	for (uint64_t i = 0; i < UINT64_C(1) << 48; i++)
		__atomic_exchange_n(&sum, sum * 3 + i, __ATOMIC_RELAXED);
}

int main(void)
{
	play_patiently(child, NULL);
	return 0;
}
