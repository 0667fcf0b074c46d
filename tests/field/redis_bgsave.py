#!/usr/bin/env python3
"""redis-server forks with I/O and background threads alive (BGSAVE), under load: it must behave as without afterfork,
and afterfork must have nothing to say of it.

usage: redis_bgsave.py --afterfork PATH
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import field

LIMIT_S = 100
SAVES = 5
KEYS = 20000


class Redis:
    """One server on a Unix socket in its own folder."""

    def __init__(self, folder, wrap):
        self.folder, self.socket = Path(folder), str(Path(folder) / "socket")
        self.cli = field.need("redis-cli", "redis-tools")
        command = [field.need("redis-server", "redis-server"), "--port", "0", "--unixsocket", self.socket, "--dir", folder,
                   "--dbfilename", "dump.rdb", "--save", "", "--appendonly", "no", "--daemonize", "no",
                   "--io-threads", "2", "--io-threads-do-reads", "yes"]
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = field.start(wrap(command), stdout=self.log, stderr=subprocess.STDOUT)
        self.wait_for("an answer to PING", LIMIT_S, lambda: self.ask("ping") == "PONG")

    def ask(self, *words):
        done = subprocess.run([self.cli, "-s", self.socket, *words], capture_output=True, text=True, timeout=LIMIT_S,
                              check=False, env=field.environment())
        return done.stdout.strip()

    def info(self, section):
        lines = self.ask("info", section).splitlines()
        return dict(line.strip().split(":", 1) for line in lines if ":" in line)

    def wait_for(self, what, limit_s, holds):
        end = time.monotonic() + limit_s
        while not holds():
            if self.process.poll() is not None or time.monotonic() > end:
                field.stop(self.process)
                raise RuntimeError(f"redis-server: waited in vain for {what}, {limit_s} s\n" +
                                   (self.folder / "log").read_text())
            time.sleep(0.02)  # only between two questions; the answer decides

    def save(self):
        before = int(self.info("stats")["total_forks"])
        answer = self.ask("bgsave")
        self.wait_for("end of BGSAVE", LIMIT_S, lambda: int(self.info("stats")["total_forks"]) == before + 1 and
                      self.info("persistence")["rdb_bgsave_in_progress"] == "0")
        return answer

    def threads(self):
        return len(list(Path(f"/proc/{self.info('server')['process_id']}/task").iterdir()))

    def end(self):
        self.ask("shutdown", "nosave")
        code = self.process.wait(timeout=LIMIT_S)
        self.log.close()
        return code


def load(redis):
    """The same commands whoever runs them: random keys come from redis-benchmark's fixed seed."""
    return field.start([field.need("redis-benchmark", "redis-tools"), "-s", redis.socket, "-n", "30000", "-r", str(KEYS),
                        "-c", "20", "-P", "8", "-t", "set,get,lpush,hset", "-q"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def exercise(folder, wrap):
    """What can be seen of a server from outside."""
    redis = Redis(folder, wrap)
    client = load(redis)
    answers = [redis.save() for _ in range(SAVES)]
    load_code = client.wait(timeout=LIMIT_S)
    redis.ask("set", "last", "word")
    answers.append(redis.save())
    persistence = redis.info("persistence")
    threads = redis.info("server").get("io_threads_active")
    forks = redis.info("stats")["total_forks"]
    ret = {"answers": answers, "load's exit code": load_code, "last save": persistence["rdb_last_bgsave_status"],
           "forks": forks, "I/O threads known": threads is not None, "threads": redis.threads(),
           "exit code": redis.end()}
    dump = subprocess.run([field.need("redis-check-rdb", "redis-tools"), str(Path(folder) / "dump.rdb")],
                          capture_output=True, text=True, check=False)
    ret["dump is valid"] = dump.returncode == 0 and "RDB looks OK" in dump.stdout
    return ret


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    given = parser.parse_args()
    field.need("redis-benchmark", "redis-tools")
    checks = field.Checks()
    with tempfile.TemporaryDirectory(prefix="afterfork-redis-") as top:
        plain, wrapped = Path(top) / "plain", Path(top) / "wrapped"
        plain.mkdir()
        wrapped.mkdir()
        native = exercise(str(plain), lambda command: command)
        seen = exercise(str(wrapped), lambda command: field.run_command(given.afterfork, wrapped, command))
        report = field.read_report(wrapped)
        del native["threads"]  # the allocator starts some, for each CPU and when it thinks fit
        for what, value in native.items():
            checks.equal(f"{what}, as without afterfork", seen[what], value)
        checks.equal("dump is valid", native["dump is valid"], True)
        checks.equal("exit code of afterfork run", seen["exit code"], 0)
        summary = report["summary"]
        checks.equal("findings", [f for f in report["findings"] if f["verdict"] != "possible"], [])
        checks.equal("forks that afterfork saw", str(summary["forks"]), seen["forks"])
        checks.that("threads that afterfork saw", summary["threads"] >= seen["threads"] > 4, str(summary["threads"]))
        for name in ("dropped_records", "damaged_records", "lost_held", "images_unrecorded", "execs_uncovered"):
            checks.equal(name, summary[name], 0)
        evidence = (wrapped / "report.txt").read_text() + (wrapped / "log").read_text()
        print(f"{seen['forks']} forks, {summary['threads']} threads, {len(report['findings'])} findings")
        return checks.finish(evidence)


if __name__ == "__main__":
    sys.exit(main())
