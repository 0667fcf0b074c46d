"""A program and all that it started: told apart by the kernel's tables, ended to the last one."""

import ctypes
import os
import signal
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
FUTEX, WAIT4, WAITID = 202, 61, 247


def become_subreaper():
    """Orphans of what this process starts are given to it: nothing that a case leaves gets away."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("prctl(PR_SET_CHILD_SUBREAPER) failed")


def end_with_parent(number):
    """This process gets the signal when its parent has ended, also if that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def parents():
    """{pid: ppid} of every process that can be seen."""
    ret = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    ret[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                pass
    return ret


def descendants(root):
    """The processes below root, root left out, parents before their children."""
    table = parents()
    ret, level = [], {root}
    while level:
        level = {pid for pid, ppid in table.items() if ppid in level and pid not in ret}
        ret += sorted(level)
    return ret


def state_of(pid, tid):
    """The state letter of a thread: anybody may know it."""
    with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]


def switches_of(pid, tid):
    """How often a thread was given a CPU and lost it again."""
    with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as file:
        return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)


def standstill(pid):
    """Where a live process stands whose threads all sleep in futex(2) or wait for a child: the same as long as none of
    them ran. False of another one; None if it is gone.

    Of a process that changed its user root without CAP_SYS_PTRACE, as in a container, learns only that it sleeps."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        calls = []
        switches = [(pid, tid, switches_of(pid, tid)) for tid in tasks]
        for tid in tasks:
            try:
                with open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as file:
                    calls.append(file.read().split()[0])
            except PermissionError:
                state = state_of(pid, tid)
                calls.append({"S": str(FUTEX), "Z": "-1", "X": "-1"}.get(state, "running"))
    except OSError:
        return None
    if calls == ["-1"]:
        return None
    return all(call.isdigit() and int(call) in (FUTEX, WAIT4, WAITID) for call in calls) and switches


def hang_below(root):
    """Something if nothing below root can go on, since all wait for a lock or for each other: the same as long as none of
    them ran. Else None."""
    states = [standstill(pid) for pid in descendants(root)]
    states = [state for state in states if state is not None]
    return states if states and all(states) else None


def describe(root):
    """One line for each process below root: what it is and which system call its threads are in."""
    ret = []
    for pid in descendants(root):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
            calls = [f"{tid}: {call_of(pid, tid)}" for tid in os.listdir(f"/proc/{pid}/task")]
            ret.append(f"{pid} {command}: " + "; ".join(calls))
        except OSError:
            pass
    return ret


def call_of(pid, tid):
    try:
        with open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as file:
            return file.read().strip()
    except PermissionError:
        return state_of(pid, tid)


def reap_orphans():
    """Reaps ended children of this process that have no Popen of their own. Returns their wait statuses."""
    ret = []
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return ret
            ret.append(status)
    except ChildProcessError:
        return ret


def end_all(root):
    """Kills every process below root and reaps those that are root's own children."""
    deadline = time.monotonic() + 10
    while (left := descendants(root)) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        reap_orphans()
