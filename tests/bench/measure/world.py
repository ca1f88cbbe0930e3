"""The configuration of a soak: targets by fault, of which some come and go."""

import random

# Of 1000 targets so many meet each; what is left over is healthy. `how` is the module.
FAULTS = [
    # fault, targets of 1000, module
    ("nagling", 30, "starttls"),
    ("implicit", 50, "smtps"),
    ("submission", 50, "submission"),
    ("plain", 60, "smtp"),
    ("too_many", 30, "smtp"),
    ("shutting_down", 20, "smtp"),
    ("no_service", 20, "smtp"),
    ("greylisting", 30, "dry_run"),
    ("tarpit", 20, "smtp"),
    ("teaser", 20, "smtp"),
    ("silent", 20, "smtp"),
    ("silent_ehlo", 10, "smtp"),
    ("silent_quit", 10, "smtp"),
    ("drops", 20, "smtp"),
    ("resets", 20, "smtp"),
    ("resets_in_tls", 10, "starttls"),
    ("closes", 10, "smtp"),
    ("garbage", 10, "smtp"),
    ("http", 10, "smtp"),
    ("endless_reply", 5, "smtp"),
    ("starttls_missing", 20, "starttls"),
    ("starttls_unavailable", 10, "starttls"),
    ("handshake_stall", 10, "starttls"),
    ("tls_garbage", 10, "starttls"),
    ("tls10", 10, "starttls"),
    ("expired", 20, "starttls"),
    ("all_wrong", 10, "starttls"),
    # Without a server of their own.
    ("refused", 20, "smtp"),
    ("missing", 10, "smtp"),
    ("servfail", 10, "smtp"),
]
TIMEOUTS = "{connect: 2s, greeting: 4s, reply: 3s, total: 12s}"


class World:
    """Which targets there are in each minute. The same every time."""

    def __init__(self, serves, targets, interval):
        self.serves = serves
        self.interval = interval
        self.moving = max(2, targets // 20)
        self.staying = targets - self.moving
        self.subjects = min(100, targets // 10)
        self.domains_known = min(40, targets // 10)

    def yaml(self, minute, bad=False):
        """The file as it stands in a minute. What comes and goes is a window over an endless row of
        names; by turns a setting differs too, so that the resolver and TLS are made anew."""
        first = minute * self.moving // 2
        lines = [self.target("s", i) for i in range(self.staying)]
        lines += [self.target("m", i) for i in range(first, first + self.moving)]
        return (self.head(minute, bad) + self.lists() + self.domains(minute) + "targets:\n"
                + "".join(lines))

    def lists(self):
        """Addresses on block lists: one that answers, and one whose servers are silent."""
        subjects = "".join(f"  - {{subject: 192.0.2.{i}}}\n" for i in range(self.subjects))
        lists = "".join(f"  - {{zone: list.{name}.test, name: {name}, operator: {name}, "
                        f"min_gap: 10ms, subjects: [ip4]}}\n" for name in ("soak", "silent"))
        return (f'dnsbl:\n  interval: 60s\n  health_interval: 60s\n  timeout: 1s\n'
                f'  servers: ["{self.serves["dns"]}"]\n  subjects:\n{subjects}  lists:\n{lists}')

    def domains(self, minute):
        """Domains, of which one goes and one comes every other minute."""
        port = self.serves["ports"]["healthy"]
        text = "posture:\n"
        for i in range(minute // 2, minute // 2 + self.domains_known):
            text += (f"- {{domain: d{i % self.serves['domains']}.soak.test, dkim_selectors: [s1], "
                     f"sending_addresses: [192.0.2.{i % 250}], helo: probe.soak.test, "
                     f"interval: 5m, mx_port: {port}, policy_port: {port}}}\n")
        return text

    def without_targets(self):
        return self.head(0, False) + "targets: []\n"

    def stays(self, name):
        return name.startswith("s")

    def target(self, kind, i):
        fault, module = self.fault(f"{kind}{i}")
        # Each an address of its own, or the budget per remote would be what is measured.
        host = f"127.{1 if kind == 's' else 3 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}"
        if kind == "s" and fault == "healthy" and i < self.serves["names"]:
            host = f"n{i}.soak.test"
        elif fault in ("missing", "servfail"):
            host = f"{fault}.soak.test"
        port = self.serves["ports"].get(fault)
        if port is None:
            # Nobody listens below the servers' ports, but the DNS on one address.
            healthy = self.serves["ports"]["healthy"]
            port = 9 if fault == "refused" else healthy
        return (f'- {{name: {kind}{i}, host: "{host}:{port}", module: {module}, '
                f"interval: {self.interval}s, labels: {{fault: {fault}}}}}\n")

    @staticmethod
    def fault(name):
        place = random.Random(name).randrange(1000)
        for fault, share, module in FAULTS:
            if place < share:
                return fault, module
            place -= share
        return "healthy", "starttls"

    def head(self, minute, bad):
        port = self.serves["ports"]["healthy"]
        modules = ""
        for name, tls, more in [
            ("smtp", "opportunistic", ""),
            ("starttls", "required", ""),
            ("smtps", "implicit", ""),
            ("submission", "required", ", auth: {username: probe, password: demo-password}"),
            ("dry_run", "opportunistic",
             ", mail: {from: probe@demo.test, to: postmaster@demo.test}"),
        ]:
            modules += (f"  {name}: {{port: {port}, tls: {tls}, tls_server_name: healthy.demo.test,"
                        f" timeouts: {TIMEOUTS}{more}}}\n")
        return f"""\
exporter:
  helo: probe.soak.test
  own: [soak.test]
  families: ipv4
  host_budget: {{max_concurrent: 1, min_gap: 100ms}}
  backoff: {{initial: 20s, factor: 2, max: 60s}}
dns: {{servers: ["{self.serves['dns']}"], timeout: {2 + minute % 2}s}}
tls: {{ca_file: {self.serves['ca_file']}}}
{'nonsense: true' if bad else ''}
modules:
{modules}"""
