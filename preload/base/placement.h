/* Where code and variables stand: a fork pays for each page that was written, its child for each 64 KiB of
 * code that it comes to. */
#ifndef AFTERFORK_PRELOAD_PLACEMENT_H
#define AFTERFORK_PRELOAD_PLACEMENT_H

/* What every child runs stands together, at the front. */
#define CHILD_CODE __attribute__((section(".text.hot.child")))

/* The linker sorts variables by their alignment: those that are large or seldom used come first, and the
 * others lie together behind them. */
#define PAGES_OF_ITS_OWN __attribute__((aligned(4096)))

#endif
