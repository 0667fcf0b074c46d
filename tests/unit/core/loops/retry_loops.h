#ifndef AFTERFORK_TESTS_RETRY_LOOPS_H
#define AFTERFORK_TESTS_RETRY_LOOPS_H

#include <errno.h>
#include <stdbool.h>

struct retry_loop_case {
	const char *name; /* NULL: the end */
	void (*run)(void);
	bool is_endless; /* as long as each try gives this error */
	int error;
};

extern const struct retry_loop_case retry_loops_0[], retry_loops_1[], retry_loops_2[], retry_loops_3[],
    retry_loops_s[];

/* Somewhere else, so that no compiler can look into it. */
void retry_loops_work(void);

#endif
