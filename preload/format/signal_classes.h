/* Signals by who raises them, as masks: bit N-1 for signal N. What a handler can do to a wait depends on
 * whether its signal can come at all. */
#ifndef AFTERFORK_FORMAT_SIGNAL_CLASSES_H
#define AFTERFORK_FORMAT_SIGNAL_CLASSES_H

#include <signal.h>
#include <stdint.h>

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))

enum { SIGNAL_LAST = 64 };

/* By what a thread does itself: a thread that waits does nothing. */
#define SIGNALS_OF_FAULTS                                                                                    \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGILL) |                \
	 SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS) | SIGNAL_BIT(SIGABRT))
#define SIGNALS_OF_WRITING (SIGNAL_BIT(SIGPIPE) | SIGNAL_BIT(SIGXFSZ))
/* That libc keeps to itself, for cancellation and set*id (glibc internal-signals.h). */
#define SIGNALS_OF_LIBC (SIGNAL_BIT(32) | SIGNAL_BIT(33))
/* By the Boehm collector, which stops other threads by it and lets them go on: the kernel raises it for init
 * only. */
#define SIGNALS_OF_COLLECTORS SIGNAL_BIT(SIGPWR)
/* By CPU time: none goes by in a process that stands still. */
#define SIGNALS_OF_CPU_TIME (SIGNAL_BIT(SIGVTALRM) | SIGNAL_BIT(SIGPROF) | SIGNAL_BIT(SIGXCPU))
/* By who asks the program to end, to stop for a while or to draw itself anew: nobody's way to wake a
 * thread, and the end of a program that hangs until then is no way out of the hang. */
#define SIGNALS_OF_USERS                                                                                     \
	(SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGTERM) |               \
	 SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU) | SIGNAL_BIT(SIGCONT) |             \
	 SIGNAL_BIT(SIGWINCH))
/* Those that end no wait for a pool's answer. A semaphore is what handlers post, and what Python waits on,
 * which lets the handlers of the program run and always has one of SIGINT. */
#define SIGNALS_IN_VAIN(is_semaphore) ((is_semaphore) ? SIGNAL_BIT(SIGINT) : SIGNALS_OF_USERS)

#endif
