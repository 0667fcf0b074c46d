#!/usr/bin/env python3
"""Real programs with threads that fork rightly. Each runs twice, plain and under afterfork: it must behave the same, and
nothing may be found in it that is more than luck.

usage: forking_programs.py --afterfork PATH [NAME...]      without NAME: all of them
"""

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import field

HERE = Path(__file__).resolve().parent / "programs"
START_LIMIT_S, RUN_LIMIT_S = 100, 200
BIG = bytes(range(256)) * 8192  # what the web servers serve: 2 MiB

NGINX = """user nobody nogroup;
daemon off;
worker_processes 2;
error_log {folder}/error;
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  aio threads; sendfile off; output_buffers 1 64k;
  server {{ listen unix:{folder}/socket; root {folder}/www; }}
}}
"""

APACHE = """ServerName localhost
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/error
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
User nobody
Group nogroup
ScriptSock {folder}/cgisock
DocumentRoot {folder}/www
StartServers 2
ThreadsPerChild 8
ScriptAlias /cgi/ {folder}/cgi/
"""


class Problem(Exception):
    """The program did not come so far as to be judged."""


def wait_for(what, process, holds):
    end = time.monotonic() + START_LIMIT_S
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            field.stop(process)
            raise Problem(f"waited in vain for {what}")
        time.sleep(0.02)  # only between two questions; the answer decides


def run(command, **rest):
    return subprocess.run(command, capture_output=True, check=False, timeout=RUN_LIMIT_S, env=field.environment(), **rest)


def run_to_end(folder, wrap, command):
    """What a command that ends by itself shows: its output and its exit code."""
    process = field.start(wrap(command), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        out, err = process.communicate(timeout=RUN_LIMIT_S)
    finally:
        field.stop(process)
    return {"exit code": process.returncode, "output": out, "error output": err}


def end_server(process, signal_number):
    """Signals the server, not the afterfork that it runs under: that passes it on."""
    process.send_signal(signal_number)
    try:
        return process.wait(timeout=RUN_LIMIT_S)
    finally:
        field.stop(process)


def nginx(folder, wrap):
    program = field.need("/usr/sbin/nginx", "nginx-light")
    curl = field.need("curl", "curl")
    (folder / "www").mkdir()
    (folder / "www" / "big").write_bytes(BIG)
    (folder / "conf").write_text(NGINX.format(folder=folder))

    def get(_):
        return run([curl, "-sf", "--unix-socket", str(folder / "socket"), "http://x/big"]).stdout == BIG

    process = field.start(wrap([program, "-c", str(folder / "conf")]), stderr=subprocess.DEVNULL)
    wait_for("nginx", process, lambda: get(0))
    answers = [get(i) for i in range(20)]
    before = worker_pids(folder)
    process.send_signal(signal.SIGHUP)  # new workers, the old ones end
    wait_for("new workers", process, lambda: worker_pids(folder).isdisjoint(before) and len(worker_pids(folder)) == 2)
    answers += [get(i) for i in range(20)]
    return {"answers": answers, "exit code": end_server(process, signal.SIGQUIT)}


def worker_pids(folder):
    pid = (folder / "pid").read_text().strip()
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def apache(folder, wrap):
    program = field.need("/usr/sbin/apache2", "apache2-bin")
    curl = field.need("curl", "curl")
    for name in ("www", "cgi"):
        (folder / name).mkdir()
    (folder / "www" / "big").write_bytes(BIG)
    (folder / "cgi" / "hello").write_text("#!/bin/sh\necho Content-Type: text/plain\necho\necho $((6 * 7)) $QUERY_STRING\n")
    (folder / "cgi" / "hello").chmod(0o755)
    port = field.free_port()
    (folder / "conf").write_text(APACHE.format(folder=folder, port=port))

    def get(path):
        return run([curl, "-sf", f"http://127.0.0.1:{port}/{path}"]).stdout

    process = field.start(wrap([program, "-f", str(folder / "conf"), "-DFOREGROUND"]), stderr=subprocess.DEVNULL)
    wait_for("apache2", process, lambda: get("cgi/hello?0") == b"42 0\n")
    answers = [get(f"cgi/hello?{i}") for i in range(20)] + [get("big") == BIG for _ in range(10)]
    process.send_signal(signal.SIGUSR1)  # graceful restart
    wait_for("a restart", process, lambda: "resuming normal operations" in (folder / "error").read_text().split("SIGUSR1")[-1]
             and "SIGUSR1" in (folder / "error").read_text())
    answers += [get(f"cgi/hello?{i}") for i in range(20)]
    return {"answers": answers, "exit code": end_server(process, signal.SIGTERM)}


def postgresql(folder, wrap):
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        field.need("initdb", "postgresql")
    user = pwd.getpwnam("postgres")
    data = folder / "data"
    os.chown(folder, user.pw_uid, user.pw_gid)
    as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if os.geteuid() == 0 else []
    programs = folders[-1]
    initdb = run(as_user + wrap([str(programs / "initdb"), "-D", str(data), "-A", "trust", "--no-sync"]), cwd=folder)
    server = field.start(as_user + wrap([str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-h", ""]), cwd=folder,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def bench(*words):
        return run(as_user + [str(programs / "pgbench"), "-h", str(folder), *words, "postgres"], cwd=folder)

    wait_for("postgres", server, lambda: bench("-i", "-q", "-s", "1").returncode == 0)
    done = bench("-c", "4", "-j", "2", "-t", "200")
    return {"initdb": initdb.returncode, "pgbench": done.returncode,
            "transactions": b"actually processed: 800/800" in done.stdout, "exit code": end_server(server, signal.SIGINT)}


def git(folder, wrap):
    field.need("git", "git")
    return run_to_end(folder, wrap, ["bash", "-c",
        "export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' && git init -q -b main . && "
        "git config user.email a@example.org && git config user.name a && git config pack.threads 4 && "
        "for i in $(seq 60); do seq $i 3000 > file$i; git add . && git commit -q -m c$i; done && "
        "git gc -q --aggressive --prune=now && git index-pack --threads=4 -o again.idx .git/objects/pack/*.pack && "
        "git -c core.preloadindex=true status --short --branch && git clone -q --no-local . clone 2>&1 && "
        "git -C clone fsck && git grep --threads 4 -c 2999 | tail -1"])


def node(folder, wrap):
    return run_to_end(folder, wrap, [field.need("node", "nodejs"), str(HERE / "children.js")])


def ruby(folder, wrap):
    return run_to_end(folder, wrap, [field.need("ruby", "ruby"), str(HERE / "children.rb")])


def jvm(folder, wrap):
    field.need("javac", "default-jdk-headless")
    run(["javac", "-d", str(folder), str(HERE / "Children.java")])
    return run_to_end(folder, wrap, [field.need("java", "default-jre-headless"), "-cp", str(folder), "Children"])


def make(folder, wrap):
    field.need("make", "make")
    (folder / "Makefile").write_text("all: $(patsubst %,%.out,$(shell seq 40))\n\t@cat *.out | sort -n | md5sum\n"
                                     "%.out:\n\t@seq $* 2000 | sort -R | sort -n | tail -1 > $@\n")
    return run_to_end(folder, wrap, ["make", "-s", "-j4"])


def ctest(folder, wrap):
    field.need("ctest", "cmake")
    (folder / "CTestTestfile.cmake").write_text("".join(
        f'add_test(t{i} sh -c "seq {i} 3000 | sort -n | tail -1 | grep -q {3000 if i % 5 else 7}")\n' for i in range(1, 31)))
    return run_to_end(folder, wrap, ["bash", "-c",
                                     "ctest -j4 --test-load 99 | sed -E 's/ +[0-9.]+ sec//; s,^ *[0-9]+/30 ,,; s/Start +[0-9]+://' | "
                                     "grep -v -e 'Test project' | sort; exit ${PIPESTATUS[0]}"])


COUNTED = ("images", "processes", "forks", "threads", "images_unrecorded", "execs_uncovered", "dropped_records",
           "damaged_records", "lost_held")
SINGLE_THREADED = ("make", "ctest", "postgresql")
PROGRAMS = {each.__name__: each for each in (nginx, apache, postgresql, git, node, ruby, jvm, make, ctest)}


def new_folder(top, name):
    folder = top / name
    folder.mkdir(parents=True)
    return folder


def compare(checks, afterfork, top, program):
    plain = program(new_folder(top, "work"), lambda command: command)
    shutil.rmtree(top / "work")
    records = []

    def wrap(command):
        records.append(new_folder(top, f"record{len(records)}"))
        records[-1].chmod(0o777)
        return field.run_command(afterfork, records[-1], command)

    wrapped = program(new_folder(top, "work"), wrap)
    for what, value in plain.items():
        checks.equal(f"{program.__name__}: {what}", wrapped[what], value)
    reports = [field.read_report(record) for record in records]
    tell(checks, program.__name__, reports)
    if os.environ.get("FIELD_VERBOSE"):
        print("".join((record / "report.txt").read_text() for record in records))


def tell(checks, name, reports):
    counts = {what: sum(report["summary"][what] for report in reports) for what in COUNTED}
    findings = [finding for report in reports for finding in report["findings"]]
    print(f"{name}: exit code {reports[-1]['exit'].get('code')}, {len(findings)} findings, " +
          ", ".join(f"{number} {what}" for what, number in counts.items() if number))
    for finding in findings:
        print(f"  {finding['verdict']} {finding['rule']} ({finding['count']}): {finding['message']}")
    checks.equal(f"{name}: what is claimed", [f["message"] for f in findings if f["verdict"] != "possible"], [])
    checks.that(f"{name}: forks were seen", counts["forks"] > 0)
    checks.that(f"{name}: threads were seen", counts["threads"] > counts["images"] or name in SINGLE_THREADED)
    checks.equal(f"{name}: records lost", counts["dropped_records"] + counts["damaged_records"] + counts["lost_held"], 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    os.environ["LC_ALL"] = "C"
    os.umask(0o022)  # servers read their files as other users
    checks = field.Checks()
    for name in given.names or PROGRAMS:
        with tempfile.TemporaryDirectory(prefix=f"afterfork-{name}-") as top:
            os.chmod(top, 0o755)
            try:
                compare(checks, given.afterfork.resolve(), Path(top), PROGRAMS[name])
            except Problem as problem:
                checks.that(name, False, str(problem))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
