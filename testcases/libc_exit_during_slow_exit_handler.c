/* Since glibc 2.41 a thread inside exit() keeps others out of it until the process ends, also while a handler
 * runs: where libc_exit_during_exit_handler is safe before, its child then waits for ever.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "exit functions lock (atexit)"
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=exit function=main
 *   count: 1
 * needs: glibc >= 2.41
 * exit: 66
 * native: hangs
 */
#include "case.h"
#define child_succeed child_reap /* its end is afterfork's work */
#include "libc_exit_during_exit_handler.c"
