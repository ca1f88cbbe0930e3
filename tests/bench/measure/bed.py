"""What every measurement starts: the servers, the exporter, and blackbox_exporter beside it."""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

from .metrics import Answer
from .process import Peer, Process

# What is measured has the first core for itself where one core is what counts; all else is on the
# other.
UNDER_TEST, BESIDE = "0", "1"

BLACKBOX = """\
modules:
  ehlo:
    prober: tcp
    timeout: 30s
    tcp:
      preferred_ip_protocol: ip4
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
        - send: "EHLO probe.bench.test\\r"
        - expect: "^250 "
        - send: "QUIT\\r"
        - expect: "^221"
  starttls:
    prober: tcp
    timeout: 30s
    tcp:
      preferred_ip_protocol: ip4
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
        - send: "EHLO probe.bench.test\\r"
        - expect: "^250-STARTTLS"
        - send: "STARTTLS\\r"
        - expect: "^220"
        - starttls: true
        - send: "EHLO probe.bench.test\\r"
        - expect: "^250 "
        - send: "QUIT\\r"
        - expect: "^221"
      tls_config: {server_name: mx.bench.test}
"""


class Bed:
    """Ports, files and programs of one run. Each exporter is started by whoever measures it."""

    def __init__(self, stack, options, peer, exporter, blackbox):
        self.options, self.quick = options, options.quick
        self.directory = Path(options.directory)
        self.programs = {"peer": peer, "ours": exporter, "blackbox": blackbox}
        self.port = options.port
        self.peer = stack.enter_context(Peer(peer, "serve", self.port, self.directory, cores=BESIDE))
        self.ports = self.peer.serves["ports"]
        # Both take the same roots, and read them once: those of this machine and ours.
        self.environment = {**os.environ, "SSL_CERT_FILE": self.peer.serves["authorities"]}
        (self.directory / "blackbox.yml").write_text(BLACKBOX)
        self.problems = []

    def config(self, targets="targets: []\n"):
        """A configuration of ours: a module for each server, and what may be asked of `/probe`."""
        name = self.peer.serves["name"]
        modules = f"  ehlo: {{port: {self.ports['mail']}, tls: none}}\n"
        for module, port in [("starttls", "mail"), ("chain", "chain"), ("silent", "silent"),
                             ("slow", "slow")]:
            patient = ", timeouts: {reply: 60s, total: 2m}" if module == "silent" else ""
            modules += (f"  {module}: {{port: {self.ports[port]}, tls: required, "
                        f"tls_server_name: {name}{patient}}}\n")
        return f"""\
exporter:
  helo: probe.bench.test
  families: ipv4
  host_budget: {{max_concurrent: 1024, min_gap: 0s}}
modules:
{modules}probe: {{allow: [127.0.0.0/8], min_interval: 0s}}
{targets}"""

    def targets(self, count, module, interval):
        lines = [f'- {{name: t{i}, host: "{address(i)}", module: {module}, interval: {interval}}}\n'
                 for i in range(count)]
        return "targets:\n" + "".join(lines)

    @contextlib.contextmanager
    def ours(self, cores=UNDER_TEST, config=None):
        """Our exporter, running."""
        file = self.directory / "smtp_exporter.yml"
        file.write_text(config or self.config())
        at = f"127.0.0.1:{self.port + 80}"
        command = [self.programs["ours"], f"--config.file={file}", f"--web.listen-address={at}",
                   "--log.level=error"]
        with self.running(command, at, cores) as process:
            process.file = file
            yield process

    @contextlib.contextmanager
    def blackbox(self, cores=UNDER_TEST):
        """blackbox_exporter, running."""
        at = f"127.0.0.1:{self.port + 81}"
        command = [self.programs["blackbox"], f"--config.file={self.directory / 'blackbox.yml'}",
                   f"--web.listen-address={at}", "--log.level=error"]
        with self.running(command, at, cores) as process:
            yield process

    @contextlib.contextmanager
    def running(self, command, at, cores):
        with open(self.directory / "log", "ab") as log:
            with Process(command, cores, env=self.environment, stdout=log, stderr=log) as process:
                process.address = at
                until(lambda: process.alive() and answers(at), f"{command[0]} answers")
                yield process

    def path(self, who, mode):
        """What to ask for, and what a good answer holds."""
        port = self.ports[{"ehlo": "mail", "starttls": "mail"}.get(mode, mode)]
        if who == "blackbox":
            module = "ehlo" if mode == "ehlo" else "starttls"
            return f"/probe?module={module}&target={{ip}}:{port}", "probe_success 1"
        path = f"/probe?module={mode}&target={{ip}}:{port}"
        return path, f'smtp_target_up{{target="{{ip}}:{port}",module="{mode}"}} 1'

    def load(self, process, who, mode, cores=BESIDE, **words):
        """Starts requests to `/probe` of a process."""
        path, want = self.path(who, mode)
        words = {"address": process.address, "path": path, "want": want, "targets": 1000, **words}
        return self.client("load", cores, words)

    def bare(self, mode, **words):
        serves = self.peer.serves
        words = {"mode": mode, "port": self.ports[{"chain": "chain"}.get(mode, "mail")],
                 "authorities": serves["authorities"], "name": serves["name"], "targets": 1000,
                 **words}
        return self.client("bare", UNDER_TEST, words)

    def client(self, name, cores, words):
        words = [f"{key}={value}" for key, value in words.items()]
        return Process([self.programs["peer"], name, *words], cores, stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, text=True)

    def result(self, client, what):
        """A client's figures. That a request failed is a problem of the whole run."""
        said = json.loads(client.child.stdout.readline())
        if said.get("bad"):
            self.problems.append(f"{what}: {said['bad']} of {said['bad'] + said['good']} failed")
        return said


def address(i):
    """The address of a target, as the clients count them."""
    return f"127.{1 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}"


def answers(at):
    with contextlib.suppress(OSError):
        return Answer(at, "/-/healthy").status == 200


def until(what, name, patience=120):
    end = time.monotonic() + patience
    while not what():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {patience} s: {name}")
        time.sleep(0.1)
