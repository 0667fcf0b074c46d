/* The supervisor's own signals: queued by a handler, taken by its loop. One user at a time (the state is
 * global).
 *
 * The loop sleeps on a futex word. The handler adds 1 to that word: a signal between the loop's last look and
 * its sleep ends the sleep at once, without a thread or a descriptor of its own. */
#ifndef AFTERFORK_SUPERVISOR_SIGNALS_H
#define AFTERFORK_SUPERVISOR_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct taken_signal {
	int number;
	pid_t sender; /* 0: the kernel, which means the terminal */
	union sigval value;
	bool queued; /* sent by sigqueue(), with a value */
};

/* Catches every signal that can be passed on, and SIGCHLD. */
void supervisor_signals_install(uint32_t *wake_word);
/* Dispositions and mask as they were at install. Async-signal-safe: also for the command's process before
 * exec. */
void supervisor_signals_restore(void);
/* Blocks everything until supervisor_signals_unblock(): around a fork. */
void supervisor_signals_block(void);
void supervisor_signals_unblock(void);

/* fork(2) for a helper: signals are as they were at install, but what a terminal or a session's end sends is
 * meant for the command, and the helper goes on until it has done its work. */
pid_t supervisor_signals_fork_helper(void);

/* The oldest signal that was not taken yet (SIGCHLD is none of them). */
bool supervisor_signals_take(struct taken_signal *ret_signal);
/* How often the handler added to the wake word. */
uint32_t supervisor_signals_wakes(void);
/* Takes the signal's default action on this process (stop), as the command did. Returns once continued. */
void supervisor_signals_stop_like(int number);

#endif
