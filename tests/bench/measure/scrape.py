"""What a scrape costs with so many targets known, beside the least that its text can cost; and what
they take in memory."""

import os
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

from .bed import BESIDE, UNDER_TEST, until
from .metrics import OPEN_METRICS, Answer, own
from .process import Peer
from .table import Row

FORMS = {
    "plain": {},
    "gzip": {"Accept-Encoding": "gzip"},
    "OpenMetrics": {"Accept": OPEN_METRICS},
}


def scrapes(bed):
    """All sizes, one after the other; the figures of growth come from the last two."""
    sizes = [20, 200] if bed.quick else [100, 1000, 10_000]
    rows, known = [], {}
    for size in sizes:
        known[size] = of_size(bed, size, size == sizes[-1], rows)
    # The last is what the machine does to anybody who sends so much text.
    for what, name, unit, goals in [
            ("resident", "memory of a target", "KiB", [("least", "≤", 1.2)]),
            ("plain", "a scrape's processor time for a target", "µs", [("least", "≤", 1.2)]),
            ("floor", "the same of a server that only copies the text", "µs", [])]:
        small, middle, large = ([0] + sizes)[-3:]
        at = lambda size: known[size][what] if size else 0  # noqa: E731
        each = (at(large) - at(middle)) / (large - middle)
        before = (at(middle) - at(small)) / (middle - small)
        rows.append(Row(f"{name}, between {middle:,} and {large:,} of them; least possible: between "
                        f"{small:,} and {middle:,}", unit, each, before, None, goals))
    return rows


def of_size(bed, size, largest, rows):
    turns = 1 if bed.quick else bed.options.rounds
    seconds = max(3, size // 300)
    config = bed.config(bed.targets(size, "starttls", f"{seconds}s"))
    with bed.ours(config=config) as process:
        until(lambda: own(Answer(process.address, "/metrics").body)
              ["smtp_exporter_probes_finished_total"] >= size, f"{size} targets are known")
        # Then they are left alone, but known they stay.
        process.file.write_text(bed.config(bed.targets(size, "starttls", "1h")))
        if Answer(process.address, "/-/reload", "POST").status != 200:
            bed.problems.append("scrape: reload failed")
        # Rounds that were set before are still made, and are not to be counted as a scrape's.
        time.sleep(seconds + 2)
        before = process.cpu()
        body = Answer(process.address, "/metrics").body
        # What is kept of targets that did not change is made now, and found by the scrapes below.
        first = (process.cpu() - before) * 1e3
        resident = process.kib("VmRSS") / 1024
        series = len(re.findall(rb"^[^#].*target=", body, re.M))
        file = bed.directory / f"body-{size}.txt"
        file.write_bytes(body)
        at = f"127.0.0.1:{bed.port + 82}"
        cost = {(form, who): [] for form in FORMS for who in ("ours", "least")}
        wall, sizes, written = {form: [] for form in FORMS}, {}, []
        with Peer(bed.programs["peer"], "floor", f"file={file}", f"address={at}",
                  cores=UNDER_TEST) as floor:
            for turn in range(turns + 1):
                for form, headers in FORMS.items():
                    for who, of in [("ours", process), ("least", floor)]:
                        where = process.address if who == "ours" else at
                        before = of.cpu()
                        answer = Answer(where, "/metrics", headers=headers)
                        spent = of.cpu() - before
                        # At the first turn buffers find their size.
                        if turn or bed.quick:
                            cost[form, who].append(spent * 1e3)
                            if who == "ours":
                                wall[form].append(answer.took * 1e3)
                                sizes[form] = len(answer.sent) / 1e6
                written.append(floor.counted())
        one, two, before = peaks(process)
    name = f"{size:,} targets"
    for form in FORMS:
        goals = []
        if largest:
            goals = [("least", "≤", 2 if form == "gzip" else 3)]
        rows.append(Row(f"{name}, {form} scrape of {sizes[form]:.2f} MB, processor time", "ms",
                        cost[form, "ours"], cost[form, "least"], None, goals))
        if largest:
            rows.append(Row(f"{name}, {form} scrape, until it is there", "ms", wall[form]))
    rows.append(Row(f"{name}, plain scrape, the first after all were probed, processor time", "ms",
                    first))
    if largest:
        each = [said["write_s"] * 1e3 for said in written[1:] or written]
        rows.append(Row(f"{name}, plain scrape; least possible: only to write the text", "ms",
                        cost["plain", "ours"], each))
        packed = [said["gzip_s"] * 1e3 for said in written[1:] or written]
        rows.append(Row(f"{name}, gzip scrape; least possible: only gzip-1 of the text", "ms",
                        cost["gzip", "ours"], packed))
    bound = [("own", "≤", 150)] if largest else []
    rows.append(Row(f"{name} known, {series / size:.0f} series each, memory", "MiB", resident,
                    goals=bound))
    rows.append(Row(f"{name}, what a scrape adds to it for a moment", "MiB", one - before,
                    goals=[("own", "≤", 100)] if largest else []))
    if largest:
        rows.append(Row(f"{name}, peak of two scrapes at once; least possible: of one", "MiB", two,
                        one, None, [("least", "≤", 1.5)]))
    plain = {who: statistics.median(cost["plain", who]) * 1e3 for who in ("ours", "least")}
    return {"resident": resident * 1024, "plain": plain["ours"], "floor": plain["least"]}


def peaks(process):
    """The most memory that one scrape needs, and two at once, and what there was before, in MiB."""
    before = process.kib("VmRSS") / 1024
    found = []
    for together in (1, 2):
        # proc(5): 5 forgets the peak.
        Path(f"/proc/{process.id}/clear_refs").write_text("5")
        threads = [threading.Thread(target=Answer, args=(process.address, "/metrics"))
                   for _ in range(together)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.append(process.kib("VmHWM") / 1024)
    return found[0], found[1], before


def lookups(bed):
    """100 subjects on 50 lists, beside the DNS library alone: a benchmark of its own tells."""
    turns = 1 if bed.quick else bed.options.rounds
    command = ["taskset", "-c", f"{UNDER_TEST},{BESIDE}", str(bed.programs["dnsbl"]), str(turns)]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    pairs = re.findall(r"([\d.]+) µs a look-up, ([\d.]+) µs a question", said)
    ours, bare = ([float(pair[i]) for pair in pairs] for i in (0, 1))
    return [Row("one of 100 × 50 look-ups on block lists; least possible: the DNS library", "µs",
                ours, bare, None, [("least", "≤", 1.3)])]


def replies(bed):
    """`explain` on the refusals of the transcripts, and on hostile lines."""
    lines = []
    for file in sorted((Path(__file__).parents[2] / "dialogues").glob("*.smtp")):
        lines += re.findall(r"^S: ([45]\d\d [ -~]+)$", file.read_text(), re.M)
    many = 2000 if bed.quick else 400_000
    few = 5 if bed.quick else 200
    hostile = ["550 5.7.1 " + unit * (65_526 // len(unit)) for unit in
               ("too many connections ", "a ", "<", "5.7.1.1.", "x")]
    rows = []
    for name, texts, count, unit, goal in [
            ("`explain`: replies in a second of processor time", lines, many, "/s",
             ("own", "≥", 200_000)),
            ("`explain`: a hostile reply of 64 KiB", hostile, few, "ms", ("own", "≤", 1))]:
        file = bed.directory / "replies"
        row = (texts * (count // len(texts) + 1))[:count]
        file.write_text("".join(text + "\n" for text in row))
        figures = []
        for _ in range(1 if bed.quick else bed.options.rounds):
            spent = explain(bed, file)
            figures.append(count / spent if unit == "/s" else spent / count * 1e3)
        rows.append(Row(name, unit, figures, goals=[goal]))
    return rows


def explain(bed, file):
    """The processor seconds of one run, from the kernel when it ends."""
    with open(file, "rb") as text:
        command = ["taskset", "-c", UNDER_TEST, str(bed.programs["ours"]), "explain", "--format=tsv"]
        child = subprocess.Popen(command, stdin=text, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        bed.problems.append(f"explain ended with {child.returncode}")
    return used.ru_utime + used.ru_stime
