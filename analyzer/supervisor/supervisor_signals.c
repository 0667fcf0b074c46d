#include "supervisor_signals.h"

#include <errno.h>
#include <unistd.h>

enum { QUEUE_SIZE = 64 };

static struct {
	uint32_t *wake_word;
	uint32_t wakes;
	struct taken_signal queue[QUEUE_SIZE];
	uint32_t head, tail; /* head - tail signals wait; only the handler moves head */
	struct sigaction original[NSIG];
	bool caught[NSIG];
	sigset_t original_mask;
} state;

/* Faults of our own, and what cannot be caught. */
static bool is_own(int number)
{
	switch (number) {
	case SIGKILL:
	case SIGSTOP:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGABRT:
	case SIGTRAP:
	case SIGSYS:
		return true;
	default:
		return false;
	}
}

static void handle(int number, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)context;
	if (number != SIGCHLD && state.head - state.tail < QUEUE_SIZE) {
		struct taken_signal *slot = &state.queue[state.head % QUEUE_SIZE];

		slot->number = number;
		slot->queued = info->si_code == SI_QUEUE;
		slot->sender = info->si_code <= 0 ? info->si_pid : 0;
		slot->value = info->si_value;
		__atomic_store_n(&state.head, state.head + 1, __ATOMIC_RELEASE);
	}
	__atomic_fetch_add(&state.wakes, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(state.wake_word, 1, __ATOMIC_RELEASE);
	errno = saved_errno;
}

void supervisor_signals_install(uint32_t *wake_word)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigset_t none;

	sigfillset(&action.sa_mask);
	state.wake_word = wake_word;
	state.head = state.tail = state.wakes = 0;
	sigprocmask(SIG_SETMASK, NULL, &state.original_mask);
	for (int number = 1; number < NSIG; number++) {
		state.caught[number] = false;
		if (is_own(number) || sigaction(number, NULL, &state.original[number]) != 0)
			continue;
		/* A caught SIGTTOU would repeat the write to the terminal for ever; ignored, the write is
		 * done. */
		if (number == SIGTTOU)
			state.caught[number] =
			    sigaction(number, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0;
		else
			state.caught[number] = sigaction(number, &action, NULL) == 0;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void supervisor_signals_restore(void)
{
	for (int number = 1; number < NSIG; number++)
		if (state.caught[number])
			sigaction(number, &state.original[number], NULL);
	sigprocmask(SIG_SETMASK, &state.original_mask, NULL);
}

void supervisor_signals_block(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

void supervisor_signals_unblock(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t supervisor_signals_fork_helper(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGTERM};

	supervisor_signals_block();
	pid_t helper = fork();
	int error = errno;
	if (helper == 0) {
		supervisor_signals_restore();
		for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
			signal(ignored[i], SIG_IGN);
	}
	supervisor_signals_unblock();
	errno = error;
	return helper;
}

bool supervisor_signals_take(struct taken_signal *ret_signal)
{
	if (__atomic_load_n(&state.head, __ATOMIC_ACQUIRE) == state.tail)
		return false;
	*ret_signal = state.queue[state.tail % QUEUE_SIZE];
	__atomic_store_n(&state.tail, state.tail + 1, __ATOMIC_RELEASE);
	return true;
}

uint32_t supervisor_signals_wakes(void)
{
	return __atomic_load_n(&state.wakes, __ATOMIC_RELAXED);
}

void supervisor_signals_stop_like(int number)
{
	struct sigaction caught;

	if (number == SIGSTOP) {
		raise(SIGSTOP);
		return;
	}
	sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, &caught);
	raise(number);
	sigaction(number, &caught, NULL);
}
