"""redis-server under load, saving its data by a forked child again and again. Its own metrics are those of the
server process, its saving children included; elapsed time is that of the load."""

import socket
import subprocess
import time

import variants

NEEDS = ("redis-server", "redis-benchmark")
PACKAGES = "redis-server redis-tools"
READY = "eady to accept connections"
POLL_S = 0.005
SAVES = 3


class Server:
    def __init__(self, bench, variant, folder):
        self.path = folder / "socket"
        self.costs = folder / "costs"
        library = bench.library(variant) or "-"
        command = [bench.program("spawn_measured"), self.costs, library, "redis-server"]
        command += ["--port", "0", "--unixsocket", self.path, "--dir", folder, "--save", ""]
        command += ["--daemonize", "no", "--logfile", ""]
        self.process = subprocess.Popen(
            command,
            env=bench.environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.log = []

    def wait_until_ready(self):
        for line in self.process.stdout:
            self.log.append(line)
            if READY in line:
                return
        raise variants.BenchProblem("redis-server ended early: " + "".join(self.log))

    def ask(self, command):
        """The reply to an inline command, as far as one read gives it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.path))
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(1 << 16).decode()

    def wait_for_save(self):
        while "rdb_bgsave_in_progress:1" in self.ask("INFO persistence"):
            time.sleep(POLL_S)
        if "rdb_last_bgsave_status:ok" not in self.ask("INFO persistence"):
            raise variants.BenchProblem("redis-server: BGSAVE failed")

    def end(self):
        """Ends the server; its costs."""
        self.ask("SHUTDOWN NOSAVE")
        self.log.extend(self.process.stdout)
        if self.process.wait() != 0 or "afterfork:" in "".join(self.log):
            raise variants.BenchProblem("redis-server: " + "".join(self.log[-5:]))
        return variants.parse_metrics(self.costs.read_text(encoding="ascii"))


def load(bench, server, requests, tests):
    command = ["redis-benchmark", "-s", server.path, "-q", "-c", "10", "-P", "4", "-d", "100"]
    command += ["-r", "50000", "-n", str(requests), "-t", tests]
    variants.run_command(command, bench.environment(server.path.parent))


def run(bench, variant, _folder, scratch):
    requests = 1000 if bench.quick else 60000
    server = Server(bench, variant, scratch)
    try:
        server.wait_until_ready()
        load(bench, server, requests, "set")
        before_ns = time.monotonic_ns()
        for _ in range(1 if bench.quick else SAVES):
            server.ask("BGSAVE")
            load(bench, server, requests, "set,get")
            server.wait_for_save()
        took_ns = time.monotonic_ns() - before_ns
        metrics = server.end()
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
    metrics["wall_ns"] = took_ns
    return metrics
