/* Waits for signals and prints one line for each, until SIGTERM: "got NUMBER". Prints first "ready", the
 * process group, whether SIGHUP is ignored and whether SIGUSR2 is blocked, as it found them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	struct sigaction hangup;
	sigset_t all, found;
	siginfo_t info;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGHUP, NULL, &hangup);
	sigprocmask(SIG_SETMASK, NULL, &found);
	sigfillset(&all);
	/* Job control stays as it is. */
	sigdelset(&all, SIGTSTP);
	sigdelset(&all, SIGTTIN);
	sigdelset(&all, SIGTTOU);
	sigdelset(&all, SIGCONT);
	sigprocmask(SIG_BLOCK, &all, NULL);
	printf("ready pid=%d group=%d hangup_ignored=%d user2_blocked=%d\n", (int)getpid(), (int)getpgrp(),
	       hangup.sa_handler == SIG_IGN, sigismember(&found, SIGUSR2));
	for (;;) {
		int number = sigwaitinfo(&all, &info);

		if (number < 0)
			continue;
		if (info.si_code == SI_QUEUE)
			printf("got %d value=%d\n", number, info.si_value.sival_int);
		else
			printf("got %d\n", number);
		if (number == SIGTERM)
			return 5;
	}
}
