"""Asking an exporter, and reading what it answers."""

import gzip
import http.client
import re
import time

OPEN_METRICS = "application/openmetrics-text;version=1.0.0"
SAMPLE = re.compile(rb"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)
LABEL = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')


class Answer:
    """An answer over HTTP: its status, body as sent and as meant, and how long it took."""

    def __init__(self, address, path, method="GET", headers=None, patience=60):
        host, port = address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=patience)
        begun = time.monotonic()
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        self.sent = answer.read()
        self.took = time.monotonic() - begun
        self.status = answer.status
        connection.close()
        zipped = answer.getheader("Content-Encoding") == "gzip"
        self.body = gzip.decompress(self.sent) if zipped else self.sent


def own(body):
    """What an exporter says of itself: values by name, and buckets of the lag by bound."""
    values, lag = {}, {}
    for name, labels, value in re.findall(
            rb"^((?:smtp_exporter|process)_\w+)(?:\{([^}]*)\})? (\S+)$", body, re.M):
        if name == b"smtp_exporter_schedule_lag_seconds_bucket":
            lag[float(labels.split(b'"')[1])] = float(value)
        elif b"target=" not in labels:
            values[name.decode()] = float(value)
    values["lag"] = lag
    return values


def rounds(body, names=(b"smtp_probes_total", b"smtp_exporter_probes_skipped_total")):
    """What became of each target's rounds: probes and skips together, by target."""
    counts = {}
    for name in names:
        for labels, value in re.findall(rb"^" + name + rb"\{(.*)\} (\S+)$", body, re.M):
            target = labels.split(b'"', 2)[1].decode()
            counts[target] = counts.get(target, 0) + float(value)
    return counts


def quantile(buckets, share):
    """The quantile of a histogram's cumulated counts, as histogram_quantile tells it."""
    bounds = sorted(buckets)
    whole = buckets[bounds[-1]] if bounds else 0
    if whole == 0:
        return 0.0
    below, count = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= share * whole:
            if bound == float("inf"):
                return below
            inside = (share * whole - count) / max(buckets[bound] - count, 1)
            return below + (bound - below) * inside
        below, count = bound, buckets[bound]
    return below
