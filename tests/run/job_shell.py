"""A shell's part of job control, for a test that holds the other end of the terminal: starts one command as the
foreground job, says on descriptor 3 what becomes of it, and continues it in the foreground when told so there."""

import os
import signal
import socket
import sys


def main():
    control = socket.socket(fileno=3)
    control.set_inheritable(False)
    # Keys are for the job, also in the moment in which the terminal changes hands.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(sys.argv[1], sys.argv[1:])
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            control.sendall(f"ended {os.waitstatus_to_exitcode(status)}\n".encode())
            return
        control.sendall(f"stopped {os.WSTOPSIG(status)}\n".encode())
        control.recv(1)
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
        control.sendall(b"continued\n")


main()
