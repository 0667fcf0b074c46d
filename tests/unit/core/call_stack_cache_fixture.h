/* Made-up stacks of made-up code for call_stack_capture(), and what it must give of them: what a walk without
 * the cache gives. */
#ifndef AFTERFORK_TESTS_CALL_STACK_CACHE_FIXTURE_H
#define AFTERFORK_TESTS_CALL_STACK_CACHE_FIXTURE_H

#include "call_stack.h"
#include "unwind_rules.h"

enum { STACK_WORDS = 48, CODES = 12 };
#define CODE(i) (UINT64_C(0x10000) + 0x41 * (uint64_t)(i)) /* return addresses; below every mapping */

extern uint64_t *stack; /* ends where readable memory ends */
extern struct stack_bounds bounds;
extern struct call_stack_cache cache;
extern unsigned plain_walks; /* stacks of which the walk of plain stacks gave the same */

void make_stack(void);
/* The address of the stack's word. */
uint64_t place(unsigned word);
uint32_t rule(bool from_bp, unsigned cfa_words, unsigned bp_words);
void set_rule(uint64_t pc, uint32_t value);
/* 0 is called from 1 or 4, that from 2 or 5, that from 3: frames of 2, 3 (or 4) and 2 words. */
void set_simple_rules(void);

struct call_registers registers(unsigned code, unsigned sp_word, uint64_t bp);
struct call_site capture_with(struct call_stack_cache *with, const struct call_registers *regs,
                              unsigned *ret_flags);
struct call_site expect_cached_as_fresh(const struct call_registers *regs);
void expect_site(const struct call_registers *regs, const struct call_site *expected);

#endif
