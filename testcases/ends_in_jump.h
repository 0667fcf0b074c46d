/* A function that leaves by a jump to the last one that it calls, as optimizing compilers make it. */
#ifndef AFTERFORK_CASE_ENDS_IN_JUMP_H
#define AFTERFORK_CASE_ENDS_IN_JUMP_H

#ifdef __clang__
#define ENDS_IN_A_JUMP
#else
#define ENDS_IN_A_JUMP __attribute__((optimize("O2,optimize-sibling-calls")))
#endif

#endif
