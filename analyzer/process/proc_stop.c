#include "proc_stop.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_STEPS = 4000, STEP_NS = 100000 };

/* Its status; 0: it did not stop in time. */
static int stop(pid_t tid)
{
	const struct timespec step = {.tv_nsec = STEP_NS};
	int status;

	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
		return 0;
	for (int i = 0; i < PATIENCE_STEPS; i++) {
		pid_t found = waitpid(tid, &status, __WALL | WNOHANG);

		if (found == tid)
			return WIFSTOPPED(status) ? status : 0;
		if (found < 0)
			return 0;
		nanosleep(&step, NULL);
	}
	return 0;
}

static bool is_for_a_signal(int status)
{
	return status >> 16 == 0;
}

bool proc_stop_begin(pid_t tid, struct user_regs_struct *ret_registers)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
		return false;
	int status = stop(tid);

	if (!status)
		return false;
	if (!is_for_a_signal(status) && ptrace(PTRACE_GETREGS, tid, NULL, ret_registers) == 0)
		return true;
	proc_stop_end_late(tid, status);
	return false;
}

void proc_stop_end(pid_t tid)
{
	ptrace(PTRACE_DETACH, tid, NULL, NULL);
}

void proc_stop_end_late(pid_t tid, int status)
{
	/* The signal that it was about to be given. */
	long number = is_for_a_signal(status) ? WSTOPSIG(status) : 0;

	ptrace(PTRACE_DETACH, tid, NULL, number);
}

bool proc_stop_changing(pid_t tid, uint64_t *ret_address, uint32_t *ret_size_bytes)
{
	/* As the kernel's struct ptrace_rseq_configuration, which is not in every version's headers. */
	enum { GET_RSEQ_CONFIGURATION = 0x420f, SIZE_MAX_BYTES = 256 };
	struct {
		uint64_t address;
		uint32_t size_bytes, signature, flags, pad;
	} area = {0};

	if (ptrace((enum __ptrace_request)GET_RSEQ_CONFIGURATION, tid, sizeof(area), &area) < 0)
		return false;
	*ret_address = area.address;
	*ret_size_bytes = area.size_bytes > SIZE_MAX_BYTES ? SIZE_MAX_BYTES : area.size_bytes;
	return true;
}
