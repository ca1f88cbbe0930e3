"""What one probe costs: processor time, probes per second on one core, time for one at a time; what
memory many at once take; and a fleet of targets on an interval."""

import statistics
import time

from .bed import until
from .metrics import Answer
from .table import Row

NAMES = {"starttls": "STARTTLS", "ehlo": "EHLO only", "chain": "long chain"}
# By mode: goals of processor time, of probes per second, and of the time of one.
GOALS = {
    "starttls": ([("least", "≤", 1.3), ("blackbox", "≤", 1 / 3)], [("blackbox", "≥", 2.7)],
                 [("least", "≤", 1.3)]),
    "ehlo": ([("least", "≤", 2), ("blackbox", "≤", 1 / 4)], [], []),
    "chain": ([("least", "≤", 1.3)], [], []),
}


def dialogue(bed, mode):
    """One way to probe, by the bare loop, by us and by blackbox_exporter, in turns."""
    rounds, count = (1, 40) if bed.quick else (bed.options.rounds, bed.options.probes)
    seen = {}

    def keep(what, who, value):
        seen.setdefault((what, who), []).append(value)

    with bed.ours() as ours, bed.blackbox() as blackbox:
        processes = {"ours": ours, "blackbox": blackbox}
        for turn in range(rounds + 1):
            # The least many figures say nothing at the first turn: memory, roots and pools come first.
            for concurrency in [8, 64, 1]:
                for who in ["bare", "ours", "blackbox", *(["pq"] if mode == "starttls" else [])]:
                    # One at a time is slow; blackbox_exporter is slower.
                    number = count // {8: 1, 64: 1, 1: 5}[concurrency] // (2 if who == "blackbox" else 1)
                    number = max(number, 10)
                    said = one(bed, processes.get(who), who, mode, number, concurrency)
                    if turn or bed.quick:
                        keep("cpu" + str(concurrency), who, said["cpu"] / number * 1e6)
                        keep("kernel" + str(concurrency), who, said["kernel"] / number * 1e6)
                        keep("per_s" + str(concurrency), who, said["per_s"])
                        keep("p50" + str(concurrency), who, said["p50_us"])
                        keep("p99" + str(concurrency), who, said["p99_us"])
    name = NAMES[mode]
    cpu, rate, latency = GOALS[mode]
    of = lambda what: [seen[what, who] for who in ("ours", "bare", "blackbox")]  # noqa: E731
    # A round is a few dozen ticks of the kernel's clock, so it is the mean of all that says something.
    ticked = [statistics.fmean(values) for values in of("kernel8")]
    offered = []
    if mode == "starttls":
        offered = [Row(f"{name}: processor time of a probe; least possible: with the post-quantum "
                       "share offered too", "µs", seen["cpu8", "ours"], seen["cpu8", "pq"])]
    return [
        Row(f"{name}: processor time of a probe", "µs", *of("cpu8"), goals=cpu),
        *offered,
        Row(f"{name}: of this, in the kernel", "µs", *ticked),
        Row(f"{name}: probes per second on one core", "/s", *of("per_s64"), goals=rate),
        Row(f"{name}: one at a time, half are faster than", "µs", *of("p501"), goals=latency),
        Row(f"{name}: one at a time, 99 of 100 are faster than", "µs", *of("p991")),
    ]


def one(bed, process, who, mode, count, concurrency):
    if who in ("bare", "pq"):
        post_quantum = int(who == "pq")
        with bed.bare(mode, count=count, concurrency=concurrency,
                      post_quantum=post_quantum) as client:
            client.child.stdout.readline()
            before = client.cpu(), client.kernel()
            print(file=client.child.stdin, flush=True)
            said = bed.result(client, f"bare {mode}")
            return since(client, before, said)
    before = process.cpu(), process.kernel()
    with bed.load(process, who, mode, count=count, concurrency=concurrency) as client:
        said = bed.result(client, f"{who} {mode}")
    return since(process, before, said)


def since(process, before, said):
    """Adds what the process has spent since then."""
    said["cpu"], said["kernel"] = process.cpu() - before[0], process.kernel() - before[1]
    return said


def memory(bed):
    """Idle, and with many probes in flight: at servers that are silent once TLS stands. Ours come
    from the schedule: `/probe` takes no more than 256 at once, so that scrapes find room."""
    rounds, flight = (1, 20) if bed.quick else (min(3, bed.options.rounds), 500)
    idle = {"ours": [], "blackbox": []}
    # What is no page of a program's file.
    anonymous = {"ours": [], "blackbox": []}
    many = {"ours": [], "blackbox": []}

    def measure(who, process, before):
        until(lambda: bed.peer.counted()["handshakes"] - before["handshakes"] >= flight,
              f"{flight} probes of {who} are under way")
        time.sleep(0.5)
        many[who].append(process.kib("VmRSS") / 1024)

    for _ in range(rounds):
        for who, start in [("ours", bed.ours), ("blackbox", bed.blackbox)]:
            with start(cores=None) as process:
                time.sleep(1)
                idle[who].append(process.kib("VmRSS") / 1024)
                anonymous[who].append(process.kib("RssAnon") / 1024)
                if who == "blackbox":
                    before = bed.peer.counted()
                    with bed.load(process, who, "silent", count=flight, concurrency=flight,
                                  targets=flight):
                        measure(who, process, before)
            if who == "ours":
                before = bed.peer.counted()
                config = bed.config(bed.targets(flight, "silent", "20s"))
                with bed.ours(cores=None, config=config) as process:
                    measure(who, process, before)
            until(lambda: bed.peer.counted()["open"] == 0, "the sessions end")
    return [
        Row("memory, idle", "MiB", idle["ours"], None, idle["blackbox"], [("own", "≤", 15)]),
        Row("memory, idle: of this, what is not mapped from files", "MiB", anonymous["ours"], None,
            anonymous["blackbox"]),
        Row(f"memory, {flight} probes in flight", "MiB", many["ours"], None, many["blackbox"],
            [("own", "≤", 40)]),
    ]


def fleet(bed):
    """Many targets every 15 s, at servers that take 20 ms for a reply: by our own schedule with a
    scrape every 15 s, and as Prometheus asks `/probe`. Shares of one core."""
    targets, interval, rounds = (30, 2, 1) if bed.quick else (2000, 15, 2)
    turns = 1 if bed.quick else 2
    shares = {"interval": [], "ours": [], "blackbox": []}
    for _ in range(turns):
        config = bed.config(bed.targets(targets, "slow", f"{interval}s"))
        with bed.ours(cores=None, config=config) as process:
            # The first round makes what later ones find there.
            time.sleep(interval + 2)
            begun, before = time.monotonic(), process.cpu()
            for _ in range(rounds):
                time.sleep(interval)
                answer = Answer(process.address, "/metrics", headers={"Accept-Encoding": "gzip"})
            share = (process.cpu() - before) / (time.monotonic() - begun)
            shares["interval"].append(share * 100)
            up = answer.body.count(b"\nsmtp_target_up{")
            good = sum(line.endswith(b" 1") for line in answer.body.splitlines()
                       if line.startswith(b"smtp_target_up{"))
            if (up, good) != (targets, targets):
                bed.problems.append(f"fleet: {good} of {targets} targets are up")
        for who, start in [("ours", bed.ours), ("blackbox", bed.blackbox)]:
            with start(cores=None) as process:
                before = process.cpu()
                with bed.load(process, who, "slow", targets=targets, interval=interval * 1000,
                              rounds=rounds, gzip=1) as client:
                    bed.result(client, f"fleet {who}")
                spent = process.cpu() - before
                shares[who].append(spent / (interval * rounds) * 100)
    name = f"{targets:,} targets every {interval} s"
    return [
        Row(f"{name}, own schedule and a scrape each {interval} s", "% of a core",
            shares["interval"], None, shares["blackbox"], [("blackbox", "≤", 1 / 3)]),
        Row(f"{name}, each asked of `/probe`", "% of a core", shares["ours"], None,
            shares["blackbox"]),
    ]
