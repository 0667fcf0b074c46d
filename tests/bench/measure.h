/* What every workload of the benchmark shares: it pins itself, repeats its operation in batches and prints
 *
 *   ns_per_op 15.731
 *   peak_rss_kib 2404
 *   preload libafterfork.so      (absent when no library of ours is loaded)
 *
 * Time is CLOCK_MONOTONIC, taken around batches long enough to make the clock's own cost vanish. Printed is
 * the fastest batch, since whatever else runs on the machine can only add. BENCH_QUICK=1 in the environment
 * makes batches few and short.
 */
#ifndef AFTERFORK_BENCH_MEASURE_H
#define AFTERFORK_BENCH_MEASURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does the operation `count` times. */
typedef void measure_body(void *context, uint64_t count);

enum measure_place {
	MEASURE_PINNED, /* this thread, and those that it makes from now on, on one CPU: the machine's last */
	MEASURE_FREE,   /* wherever the kernel puts the threads */
	/* The same, and the threads wait for each other all the time: the fastest batch may be a lucky order
	 * of events, so the lower quartile is printed. */
	MEASURE_CONTENDED,
};

/* First of all in main(). */
void measure_init(enum measure_place place);
/* Finds a count that fills a batch, runs the batches and prints. One call of the body is operations_each
 * operations. */
void measure_run(measure_body *body, void *context, uint64_t operations_each);
/* Prints a result that the workload took itself. */
void measure_print(const char *name, double value);
/* Prints what is said after every workload: memory, library. measure_run() does. */
void measure_print_process(void);

uint64_t measure_now_ns(void);
/* Resident memory now, from /proc/self/statm. */
uint64_t measure_rss_bytes(void);
/* The number after `--name=` in argv, or `otherwise`. Ends the process with a message when it is no number.
 */
uint64_t measure_option(char *const argv[], const char *name, uint64_t otherwise);
/* 1 when BENCH_QUICK is set. */
int measure_is_quick(void);
/* Makes `count` threads that sleep for ever. With one alive, glibc's mutexes take their atomic path. */
void measure_start_idle_threads(uint64_t count);
/* Ends the process with "workload: what: reason" when error is not 0. */
void measure_check(int error, const char *what);

#ifdef __cplusplus
}
#endif

#endif
