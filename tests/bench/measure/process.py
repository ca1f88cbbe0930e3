"""Processes under measurement: built, started, watched through /proc, and always ended."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
# What this process may run on before it keeps to one core itself, which its children would inherit.
EVERY = ",".join(map(str, sorted(os.sched_getaffinity(0))))


def build(*benches, optimised=True):
    """Builds what is measured, and what it is measured with. Returns the benchmarks' paths by name,
    and the exporter's."""
    made = {}
    profile = ["--release"] if optimised else []
    chosen = [word for name in benches for word in ("--bench", name)]
    command = ["cargo", "build", "--locked", *profile, *chosen,
               "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if said.get("executable") and said["target"]["name"] in benches:
            made[said["target"]["name"]] = Path(said["executable"])
    # The exporter last: building a benchmark links it too, with what the tests ask of its crates.
    if optimised:
        subprocess.run(["cargo", "build", "--locked", "--quiet", *profile], cwd=ROOT, check=True)
    return made, TARGET / ("release" if optimised else "debug") / "smtp_exporter"


class Process:
    """A child process, on every core or on some. As a context it is ended, politely and then not,
    whatever happens."""

    def __init__(self, command, cores=None, **more):
        command = ["taskset", "-c", cores or EVERY, *command]
        self.child = subprocess.Popen([str(word) for word in command], **more)
        self.id = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def alive(self):
        return self.child.poll() is None

    def end(self, patience=15):
        """Ends it. Returns its exit code; negative is a signal's number."""
        if self.alive():
            if self.child.stdin:
                self.child.stdin.close()
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self.child.wait()

    def cpu(self):
        """User and system seconds, by the kernel's clock of this process: /proc/PID/stat has the
        same figure in ticks of 10 ms."""
        return time.clock_gettime((~self.id << 3) | 2)

    def kernel(self):
        """Of these, the system seconds, in ticks of 10 ms: the kernel gives no finer figure."""
        fields = Path(f"/proc/{self.id}/stat").read_text().rpartition(")")[2].split()
        return int(fields[12]) / os.sysconf("SC_CLK_TCK")

    def kib(self, field):
        """A size of /proc/PID/status: VmRSS, VmHWM, RssAnon."""
        for line in Path(f"/proc/{self.id}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise RuntimeError(f"process {self.id} states no {field}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.id}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.id}/task"))


class Peer(Process):
    """The servers' process: it says what it serves in one line, and counts when it is asked."""

    def __init__(self, program, *words, cores=None):
        super().__init__([program, *words], cores, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
        self.serves = json.loads(self.child.stdout.readline())

    def counted(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())
