#!/usr/bin/env python3
"""Hazards in unmodified software, from Debian and the toolchain: each program of hazards/ hangs without afterfork, and
afterfork names why.

usage: hazards.py --afterfork PATH [NAME...]      without NAME: all of them
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import field

HERE = Path(__file__).resolve().parent / "hazards"
sys.path.insert(0, str(HERE.parent.parent / "case_runner"))
import process_tree  # noqa: E402

PYTHON = "/usr/bin/python3.11"  # Debian 12's, with its libraries: other versions have other locks
PYTHON_OF_PARKING_LOT = "/usr/bin/python3.13"  # Debian 13's
CHILDREN = 5000  # at most, where it is chance which of them hangs
HUNG_POLLS, POLL_S = 20, 0.05  # a child has microseconds of work
RUN_LIMIT_S = 150


@dataclass(frozen=True)
class Hazard:
    command: str
    rule: str = ""  # none: known to be missed
    lock: str = ""  # its kind
    victim: tuple = ()  # functions or files that its stack has frames of, innermost first
    holder: tuple = ()
    lock_name: str = None
    build: str = ""
    needs: tuple = ()  # (file, package)
    verdict: str = "certain"
    acts: bool = True  # the supervisor ends the child; else a hung child is ended here
    spins: bool = False  # or sleeps, but in no futex
    handed_over: tuple = ()  # where work was given to threads that vanished


def libc(function, *victim):
    return Hazard(f"./program {function} {CHILDREN}", "libc-lock-held-by-vanished-thread", "libc", victim,
                  build="cc -g -O1 -Wall {here}/libc_family.c -o program")


def python(script, *victim):
    return Hazard(f"{PYTHON} {{here}}/{script}", "lock-held-by-vanished-thread", "semaphore", victim,
                  holder=("python3.11",), needs=((PYTHON, "python3.11"),))


def waker(build, lock_name, *victim, needs=(), command="./program", verdict="likely"):
    return Hazard(command, "waker-vanished", "futex", victim, lock_name=lock_name, build=build, needs=needs, verdict=verdict)


def held(build, lock, holder, victim, needs, command="./program"):
    """By a thread that stays inside of the library while main forks."""
    return Hazard(command, "lock-held-by-vanished-thread", lock, victim, holder=holder, build=build, needs=(needs,))


def with_pkg_config(source, package, compiler="cc"):
    return f"sh -c '{compiler} -g -O1 {{here}}/{source} -o program $(pkg-config --cflags --libs {package}) -pthread'"


def pool(command, lock, worker, post, victim, needs, build="", spins=False):
    return Hazard(command, "waker-vanished", lock, victim, holder=worker, handed_over=post, build=build, needs=(needs,),
                  verdict="likely", spins=spins)


INCLUDE = "/usr/include"


def absl_mutex(*expected, command="./program"):
    build = "sh -c 'c++ -std=c++20 -g -O1 {here}/absl_mutex.cc -o program $(pkg-config --libs absl_synchronization)'"
    return waker(build, *expected, needs=((f"{INCLUDE}/absl/synchronization/mutex.h", "libabsl-dev"),), command=command)


HAZARDS = {
    "openmp": waker("cc -g -O1 -fopenmp {here}/openmp_pool.c -o program", None, "libgomp.so", "sum_of_squares", "main",
                    needs=(("cc", "gcc"),), verdict="certain"),
    "glib": waker("sh -c 'cc -g -O1 {here}/glib_mutex.c -o program $(pkg-config --cflags --libs glib-2.0)'", "cache_mutex",
                  "libglib-2.0.so", "cache_read", "main", needs=((f"{INCLUDE}/glib-2.0/glib.h", "libglib2.0-dev"),)),
    "rust": waker("/usr/bin/rustc -g -O {here}/rust_mutex.rs -o program", None, "Mutex<T>::lock", "cache_read",
                  "rust_mutex::main", needs=(("/usr/bin/rustc", "rustc"),)),
    "tbb": waker("c++ -g -O1 {here}/tbb_arena.cc -o program -ltbb", None, "std::future", "in_background", "main",
                 needs=((f"{INCLUDE}/tbb/task_arena.h", "libtbb-dev"),)),
    "tbb_spin": Hazard("./program", "waker-vanished", "spinlock", ("cache_read", "main"), lock_name="cache_mutex.m_flag",
                       build="c++ -std=c++20 -g -O1 {here}/tbb_spin_mutex.cc -o program -ltbb", spins=True, verdict="likely",
                       needs=((f"{INCLUDE}/tbb/spin_mutex.h", "libtbb-dev"),)),
    "absl_spin": waker("sh -c 'c++ -std=c++20 -g -O1 {here}/absl_spin_lock.cc -o program $(pkg-config --libs absl_base)'",
                       "cache_mutex.lockword_", "AbslInternalSpinLockDelay", "cache_read", "main",
                       needs=((f"{INCLUDE}/absl/base/internal/spinlock.h", "libabsl-dev"),)),
    "absl_mutex": absl_mutex("cache_mutex.mu_", "absl::", "cache_read", "main"),
    "absl_notification": absl_mutex("cache_filled.mutex_.mu_", "absl::", "cache_await", "main", command="./program wait"),
    "python_lock": python("python_lock.py", "PyThread_acquire_lock_timed"),
    "python_own_word": waker("", None, "_PyParkingLot_Park", command=f"{PYTHON_OF_PARKING_LOT} {{here}}/python_lock.py",
                             needs=((PYTHON_OF_PARKING_LOT, "python3.13"),)),
    "rust_parking_lot": waker("sh {here}/rust_parking_lot.sh", "rust_parking_lot::CACHE", "RawMutex::lock_slow", "cache_read",
                              needs=(("/usr/share/cargo/registry/parking_lot-0.12.1", "librust-parking-lot-dev"),)),
    "python_import": Hazard(f"{PYTHON} -B {{here}}/python_import.py", "waker-vanished", "semaphore",
                            ("PyThread_acquire_lock_timed", "Py_BytesMain"), verdict="likely", needs=((PYTHON, "python3.11"),)),
    "python_logging": python("python_logging.py", "PyThread_acquire_lock"),
    "setenv": libc("setenv", "main"),
    "localtime_r": libc("localtime_r", "main"),
    "getaddrinfo": libc("getaddrinfo", "use_getaddrinfo", "main"),
    "getpwnam": libc("getpwnam", "main"),
    "dlopen": libc("dlopen", "main"),
    "gobject": held(with_pkg_config("gobject_class.c", "gobject-2.0"), "mutex", ("libgobject-2.0.so", "make_slow"),
                    ("libgobject-2.0.so", "make_quick", "main"), (f"{INCLUDE}/glib-2.0/glib-object.h", "libglib2.0-dev")),
    "sqlite": held(with_pkg_config("sqlite_connection.c", "sqlite3"), "mutex", ("sqlite3_step", "count_rows"),
                   ("sqlite3_exec", "read_row", "main"), (f"{INCLUDE}/sqlite3.h", "libsqlite3-dev")),
    "spdlog": held(with_pkg_config("spdlog_sink.cc", "spdlog", "c++"), "mutex", ("spdlog::logger::log_it_", "work"),
                   ("spdlog::logger::log_it_", "serve", "main"), (f"{INCLUDE}/spdlog/spdlog.h", "libspdlog-dev")),
    "glog": held(with_pkg_config("glog_sink.cc", "libglog", "c++"), "rwlock", ("google::LogMessage::SendToLog", "work"),
                 ("google::AddLogSink", "serve", "main"), (f"{INCLUDE}/glog/logging.h", "libgoogle-glog-dev")),
    "openssl": held(with_pkg_config("openssl_random.c", "libcrypto"), "rwlock", ("libcrypto.so", "seed"),
                    ("libcrypto.so", "make_key", "main"), (f"{INCLUDE}/openssl/rand.h", "libssl-dev"),
                    f"./program {CHILDREN}"),
    "libevent": Hazard("./program", "waker-vanished", "condvar", ("event_del", "stop_ticking", "main"), verdict="likely",
                       build=with_pkg_config("event_loop.c", "libevent_pthreads libevent"),
                       needs=((f"{INCLUDE}/event2/thread.h", "libevent-dev"),)),
    "rcu": waker(with_pkg_config("rcu_reader.c", "liburcu"), "urcu_memb_gp+0x8", "urcu_memb_synchronize_rcu", "replace_table",
                 "main", needs=((f"{INCLUDE}/x86_64-linux-gnu/urcu.h", "liburcu-dev"),)),
    "perl": Hazard("/usr/bin/perl {here}/perl_lock.pl", "waker-vanished", "condvar", ("shared.so", "Perl_runops_standard", "main"),
                   verdict="likely", needs=(("/usr/bin/perl", "perl"),)),
    "guile": Hazard("/usr/bin/guile --no-auto-compile {here}/guile_mutex.scm", "waker-vanished", "condvar",
                    ("scm_timed_lock_mutex",), holder=("scm_signal_condition_variable",),
                    needs=(("/usr/bin/guile", "guile-3.0"),)),
    "boost": pool("./program", "condvar", ("boost::asio::detail::scheduler::run",), ("in_background", "main"), ("in_background", "main"),
                  (f"{INCLUDE}/boost/asio/thread_pool.hpp", "libboost-thread-dev"),
                  "c++ -g -O1 {here}/boost_pool.cc -o program -lboost_thread -lboost_system"),
    "glib_pool": pool("./program", "futex", ("libglib-2.0.so",), ("libglib-2.0.so", "in_background", "main"),
                      ("libglib-2.0.so", "in_background", "main"), (f"{INCLUDE}/glib-2.0/glib.h", "libglib2.0-dev"),
                      "sh -c 'cc -g -O1 {here}/glib_pool.c -o program $(pkg-config --cflags --libs glib-2.0)'"),
    "python_executor": pool(f"{PYTHON} {{here}}/python_executor.py", "semaphore", ("python3.11",), ("python3.11",),
                            ("PyThread_acquire_lock_timed",), (PYTHON, "python3.11")),
    "python_asyncio": pool(f"{PYTHON} {{here}}/python_asyncio.py", None, ("python3.11",), ("python3.11",), ("epoll_wait",),
                           (PYTHON, "python3.11"), spins=True),
}


def names(frames):
    return [[frame.get("function", ""), Path(frame.get("module", "")).name] for frame in frames or []]


def fits(frame, wanted):
    return any(name.startswith(wanted) or f"::{wanted}" in name for name in frame)


def has_in_order(frames, wanted):
    """Each of `wanted` starts a function's or a file's name, further out than the one before."""
    rest = iter(names(frames))
    return all(any(fits(frame, each) for frame in rest) for each in wanted)


def hung_child(top, spins):
    """The innermost process below the program that waits for ever, or spins when that is meant; or None."""
    table = process_tree.parents()
    below = process_tree.descendants(top)
    leaves = [pid for pid in below if pid not in table.values()]
    hung = [pid for pid in leaves if spins or process_tree.standstill(pid)]
    return hung[0] if hung else None


def run(command, folder, ends_child, spins=False):
    """Exit code and output; a child that hangs is ended, and is so told of by the program."""
    process = field.start(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end, polls, last = time.monotonic() + RUN_LIMIT_S, 0, None
    try:
        while process.poll() is None and time.monotonic() < end:
            child = hung_child(process.pid, spins) if ends_child else None
            polls, last = (polls + 1 if child and child == last else 0), child
            if polls == HUNG_POLLS:
                os.kill(child, signal.SIGKILL)
            time.sleep(POLL_S)
    finally:
        if process.poll() is None:
            field.stop(process)
    out, err = process.communicate()
    return process.returncode, out.strip(), err


def check_finding(checks, hazard, finding):
    lock, holder, victim = finding.get("lock", {}), finding.get("holder", {}), finding["victim"]
    checks.equal("verdict and rule", (finding["verdict"], finding["rule"]), (hazard.verdict, hazard.rule))
    checks.equal("lock's kind", lock.get("kind"), hazard.lock)
    if hazard.lock_name:
        checks.equal("lock's name", lock.get("name"), hazard.lock_name)
    checks.that("victim's stack", has_in_order(victim["stack"], hazard.victim), str(names(victim["stack"])))
    checks.that("holder's stack", has_in_order(holder.get("acquired_at"), hazard.holder), str(names(holder.get("acquired_at"))))
    if hazard.handed_over:
        stack = finding.get("handed_over", {}).get("stack")
        checks.that("stack of the hand-over", has_in_order(stack, hazard.handed_over), str(names(stack)))
    checks.equal("fork", finding["fork"]["call"], "fork")
    checks.equal("the forking process is the victim's parent", finding["fork"]["pid"], finding["process"]["ppid"])


def check(checks, afterfork, hazard, folder):
    (folder / "here").symlink_to(HERE)  # by a name that a shell does not split, wherever the checkout is
    build, command = (shlex.split(text.format(here="here")) for text in (hazard.build, hazard.command))
    if build:
        subprocess.run(build, cwd=folder, check=True)
    _, native, _ = run(command, folder, True, hazard.spins)
    checks.that("it hangs without afterfork", native.endswith("ended with -9"), native)
    options = [] if hazard.acts else ["--on-deadlock=report"]
    code, out, err = run(field.run_command(afterfork, folder, command, *options), folder, not hazard.acts)
    checks.that("how the child ended", out.endswith("ended with -6" if hazard.acts else "ended with -9"), out)
    checks.equal("exit code of afterfork run", code, 66 if hazard.verdict == "certain" else 0)
    findings = [finding for finding in field.read_report(folder)["findings"] if finding["verdict"] != "possible"]
    checks.equal("number of findings", len(findings), 1 if hazard.rule else 0)
    for finding in findings:
        check_finding(checks, hazard, finding)
        print(f"  {finding['verdict']} {finding['rule']}: {finding['message']}")
    if checks.failures:
        print(err + (folder / "report.txt").read_text(), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    checks = field.Checks()
    for name in given.names or HAZARDS:
        for file, package in HAZARDS[name].needs:
            if not Path(file).exists():
                field.need(file, package)
        print(name)
        with tempfile.TemporaryDirectory(prefix=f"afterfork-{name}-") as folder:
            check(checks, given.afterfork.resolve(), HAZARDS[name], Path(folder))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
