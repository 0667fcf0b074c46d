#ifndef AFTERFORK_TESTS_SPIN_LOOPS_H
#define AFTERFORK_TESTS_SPIN_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

struct spin_loop_case {
	const char *name; /* NULL: the end */
	void (*run)(void);
	bool is_endless;
	const volatile void *word; /* that keeps it going; NULL: none */
	bool sleeps_on_word;
};

extern const struct spin_loop_case spin_loops_0[], spin_loops_1[], spin_loops_2[], spin_loops_3[],
    spin_loops_s[];

/* In memory that others share. */
extern volatile int *spin_loops_shared;
/* As a file has it that was mapped privately. */
extern const volatile int *spin_loops_of_file;
const volatile int *spin_loops_map_file(void);

#endif
