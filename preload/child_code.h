/* Code that every child of a fork runs stands together, at the front: each 64 KiB of code that a child comes to
 * is a page fault there. */
#ifndef AFTERFORK_PRELOAD_CHILD_CODE_H
#define AFTERFORK_PRELOAD_CHILD_CODE_H

#define CHILD_CODE __attribute__((section(".text.hot.child")))

#endif
