#include "supervisor_judge.h"

#include <sys/wait.h>
#include <unistd.h>

#include "stuck_process.h"
#include "stuck_record.h"
#include "supervisor_signals.h"

/* Exit codes of the judge, apart from those that failures give. */
enum { CODE_BASE = 40 };

pid_t supervisor_judge_start(pid_t pid, const struct spin_loop *loop, uint64_t since_ns, uint64_t now_ns,
                             int folder_fd)
{
	struct stuck_process process;

	/* Here, since only an ancestor may look into the process on every system. */
	if (!stuck_process_take(pid, loop, since_ns, now_ns, &process))
		return -1;
	pid_t judge = supervisor_signals_fork_helper();
	if (judge == 0)
		_exit(CODE_BASE + (int)stuck_record_write(&process, folder_fd));
	stuck_process_release(&process);
	return judge;
}

enum stuck_verdict supervisor_judge_result(int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) - CODE_BASE : -1;

	bool is_stuck = code == STUCK_BY_FORK || code == STUCK_ANYHOW || code == STUCK_UNTIL_ASKED;

	return is_stuck ? (enum stuck_verdict)code : STUCK_UNCLEAR;
}
