"""history.py WORLD: six hours of a made-up exporter's samples as OpenMetrics text, for
`promtool tsdb create-blocks-from openmetrics`. Names and labels are those of the catalogue; check.py
holds them against it."""

import math
import random
import sys

from worlds import END, MINUTES, WORLDS

START = END - MINUTES * 60
SLOW = 3  # minutes between two samples of what does not change
HANDSHAKE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LAG = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0)
LOOKUP = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
PHASES = ("resolve", "connect", "greeting", "ehlo", "starttls", "tls", "ehlo_tls", "auth", "mail",
          "rcpt", "rset", "quit")
PATH = {  # the steps of a good probe: (phase, share of the base time, code)
    "smtp": (("resolve", 0.1, 0), ("connect", 0.3, 0), ("greeting", 0, 220), ("ehlo", 0.3, 250),
             ("starttls", 0.3, 220), ("tls", 0.8, 0), ("ehlo_tls", 0.3, 250), ("quit", 0.2, 221)),
}
PATH["starttls"] = PATH["smtp"]
PATH["submission"] = PATH["smtp"][:-1] + (("auth", 1.1, 235), ("quit", 0.2, 221))
PATH["smtps"] = (("resolve", 0.1, 0), ("connect", 0.3, 0), ("tls_implicit", 0.8, 0),
                 ("greeting", 0, 220), ("ehlo", 0.3, 250), ("quit", 0.2, 221))
PATH["relay_check"] = (("resolve", 0.1, 0), ("connect", 0.3, 0), ("greeting", 0, 220),
                       ("ehlo", 0.3, 250), ("mail", 0.4, 250), ("rcpt", 0.5, 554),
                       ("quit", 0.2, 221))
COMMON = {"instance": "localhost:10057", "job": "smtp"}


class Samples:
    """Samples by family and series, in the order of time."""

    def __init__(self, step):
        self.families = {}
        self.step = step

    def put(self, family, labels, minute, value, kind="gauge", suffix=""):
        if minute % self.step:
            return
        series = self.families.setdefault((family, kind), {})
        key = suffix + "{" + ",".join(
            f'{k}="{v}"' for k, v in (COMMON | labels).items()) + "}"
        series.setdefault(key, []).append((START + minute * 60, value))

    def slow(self, family, labels, minute, value):
        """What does not change needs few samples."""
        if minute % SLOW == 0:
            self.put(family, labels, minute, value)

    def counter(self, name, labels, minute, value):
        self.put(name.removesuffix("_total"), labels, minute, value, "counter", "_total")

    def write(self, out):
        for (family, kind), series in self.families.items():
            out.write(f"# TYPE {family} {kind}\n")
            for key, points in series.items():
                out.writelines(f"{family}{key} {value!r} {time}\n" for time, value in points)
        out.write("# EOF\n")


class Histogram:
    def __init__(self, bounds):
        self.bounds, self.counts, self.sum, self.count = bounds, [0] * len(bounds), 0.0, 0

    def add(self, value, times=1):
        self.sum, self.count = self.sum + value * times, self.count + times
        for at, bound in enumerate(self.bounds):
            self.counts[at] += times * (value <= bound)

    def put(self, samples, name, labels, minute):
        for bound, count in zip(self.bounds, self.counts):
            samples.put(name, labels | {"le": str(bound)}, minute, count, "histogram", "_bucket")
        samples.put(name, labels | {"le": "+Inf"}, minute, self.count, "histogram", "_bucket")
        samples.put(name, labels, minute, round(self.sum, 6), "histogram", "_sum")
        samples.put(name, labels, minute, self.count, "histogram", "_count")


class Course:
    """One check through the six hours."""

    def __init__(self, check):
        self.check = check
        self.own = {"target": check.name, "module": check.module} | check.labels
        self.results = dict.fromkeys(("success", "target", "path", "sender", "exporter"), 0)
        self.skipped = dict.fromkeys(("budget", "backoff", "ladder", "overrun", "shutdown"), 0)
        self.failures, self.replies = {}, {}
        self.handshake = Histogram(HANDSHAKE)
        self.in_a_row = 0
        self.last_good = {}
        self.seen = {}

    def fault(self, minute, address):
        for fault in self.check.faults:
            if fault.start <= minute < fault.end and fault.address in ("", address):
                return fault
        return None

    def minute(self, samples, minute):
        check, own = self.check, self.own
        now = START + minute * 60
        due = minute % max(1, check.interval // 60) == 0
        good, measured, spoke, worst = 0, 0, 0, None
        for address in check.addresses or ("",):
            fault = self.fault(minute, address)
            early = fault and (fault.paused and minute > fault.start + 4)
            worst = fault or worst
            host = check.host or check.name
            endpoint = f"{host}:{check.port}" if address else ""
            labels = own | {"endpoint": endpoint, "address": address}
            if early:
                self.skipped["backoff"] += due
            elif due or address not in self.seen:
                self.probe(address, fault, now)
            good += fault is None
            measured += not fault or fault.blame != "exporter"
            spoke += not fault or fault.phase not in ("resolve", "connect")
            self.endpoint(samples, labels, address, fault, minute)
        up = good > 0
        if due and measured:
            self.in_a_row = 0 if up else self.in_a_row + 1
        self.target(samples, minute, up, measured, spoke, worst)

    def probe(self, address, fault, now):
        check = self.check
        times, codes = {}, {}
        for phase, share, code in PATH[check.module]:
            if fault and phase == fault.phase:
                times[phase] = 10.0 if "timeout" in fault.cause else check.base * 0.4
                if fault.code:
                    codes[phase] = fault.code
                break
            spread = random.lognormvariate(0, 0.35) * (1.3 + 0.6 * math.sin(now / 4000))
            times[phase] = check.base * share * spread
            if phase == "greeting":
                times[phase] = check.greeting * random.uniform(0.95, 1.1)
            if code:
                codes[phase] = code
        for phase, code in codes.items():
            refused = fault and phase == fault.phase
            cause = fault.cause if refused and not check.expects else "none"
            if check.expects and phase == "rcpt" and code == 554:
                cause = "relay_denied"
            key = (phase, str(code), cause)
            self.replies[key] = self.replies.get(key, 0) + 1
        if fault:
            key = (fault.phase, fault.cause, fault.blame)
            self.failures[key] = self.failures.get(key, 0) + 1
            self.results[fault.blame] += 1
        else:
            self.results["success"] += 1
            self.handshake.add(sum(v for k, v in times.items() if k not in ("resolve", "quit")))
            self.last_good[address] = now
        self.seen[address] = (times, codes, now)

    def endpoint(self, samples, labels, address, fault, minute):
        check = self.check
        times, codes, now = self.seen[address]
        put = lambda name, value, **more: samples.put(name, labels | more, minute, value)
        slow = lambda name, value, **more: samples.slow(name, labels | more, minute, value)
        put("smtp_probe_success", 0 if fault else 1)
        put("smtp_probe_duration_seconds", round(sum(times.values()), 4))
        for phase, seconds in times.items():
            put("smtp_probe_phase_duration_seconds", round(seconds, 4), phase=phase)
        put("smtp_probe_last_timestamp_seconds", now)
        if address in self.last_good:
            put("smtp_probe_last_success_timestamp_seconds", self.last_good[address])
        if fault:
            put("smtp_probe_failure", 1, phase=fault.phase, cause=fault.cause, blame=fault.blame)
        for phase, code in codes.items():
            put("smtp_reply_code", code, phase=phase)
        if not address:
            return
        slow("smtp_endpoint_info", 1, port=str(check.port),
             family="ipv6" if ":" in address else "ipv4", mx_preference="10" if check.host else "")
        if "ehlo" in codes:
            self.offers(slow, times)
        for name in ("smtp_starttls_disappeared", "smtp_auth_plaintext_appeared"):
            if check.module != "smtps":
                slow(name, int(any(what == name and start <= minute < end
                                   for what, _, start, end in check.worse)))
        for name, own, start, end in check.worse:
            if own and start <= minute < end:
                slow(name, 1, **own)

    def offers(self, slow, times):
        check = self.check
        implicit = "tls_implicit" in times
        secure = "tls" in times or implicit
        plain = () if implicit else ("SIZE", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
        starttls = ("STARTTLS",) if "starttls" in times else ()
        for word in plain + starttls:
            slow("smtp_capability", 1, capability=word, channel="plain")
        if not implicit:
            slow("smtp_starttls_offered", 1 if starttls else 0)
        slow("smtp_max_message_size_bytes", 52428800)
        if not secure:
            return
        broken = [fault for fault in check.faults if fault.phase == "tls"]
        old = any(fault.cause == "tls_incompatible" for fault in broken)
        slow("smtp_tls_established", 0 if old else 1)
        slow("smtp_tls_verified", 0 if broken else 1)
        if old:
            slow("smtp_tls_info", 1, version="TLS1.0", cipher="TLS_RSA_WITH_AES_128_CBC_SHA",
                 group="")
            slow("smtp_tls_verify_failure", 1, reason="unknown_issuer")
        else:
            slow("smtp_tls_info", 1, version="TLS1.3", cipher="TLS_AES_256_GCM_SHA384",
                 group="X25519MLKEM768")
            for word in ("SIZE", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "AUTH"):
                slow("smtp_capability", 1, capability=word, channel="tls")
            for mechanism in ("PLAIN", "LOGIN"):
                slow("smtp_auth_mechanism", 1, mechanism=mechanism, channel="tls")
            if broken:
                slow("smtp_tls_verify_failure", 1, reason="expired")
        leaf = END + int(check.days_left * 86400)
        slow("smtp_tls_cert_not_after_timestamp_seconds", leaf)
        slow("smtp_tls_chain_not_after_timestamp_seconds",
             END + int(check.chain_days * 86400) if check.chain_days else leaf)
        slow("smtp_tls_cert_info", 1, fingerprint_sha256="5d" * 32, serial="04",
             subject=f"CN={check.host or check.name}", issuer="CN=Example CA", key="EC P-256")

    def target(self, samples, minute, up, measured, spoke, worst):
        check, own = self.check, self.own
        put = lambda name, value, **more: samples.put(name, own | more, minute, value)
        if measured:
            name = "smtp_target_expectation_met" if check.expects else "smtp_target_up"
            put(name, int(up))
        put("smtp_target_responding", int(spoke > 0))
        put("smtp_target_consecutive_failures", self.in_a_row)
        samples.slow("smtp_target_interval_seconds", own, minute, check.interval)
        paused = worst and worst.paused and not up
        if worst and not up:
            put("smtp_target_failure", 1, phase=worst.phase, cause=worst.cause, blame=worst.blame)
        if paused:
            put("smtp_target_paused_until_timestamp_seconds", START + minute * 60 + 1260)
        whole = len(check.addresses)
        bad = sum(self.fault(minute, address) is not None for address in check.addresses)
        for state, count in (("available", whole - bad), ("unavailable", 0 if paused else bad),
                             ("paused", bad if paused else 0), ("skipped", 0)):
            put("smtp_target_endpoints", count, state=state)
        for result, count in self.results.items():
            samples.counter("smtp_probes_total", own | {"result": result}, minute, count)
        for reason, count in self.skipped.items():
            if count or reason in ("budget", "backoff"):
                samples.counter("smtp_exporter_probes_skipped_total", own | {"reason": reason},
                                minute, count)
        for (phase, cause, blame), count in self.failures.items():
            samples.counter("smtp_probe_failures_total", own | {
                "phase": phase, "cause": cause, "blame": blame}, minute, count)
        for (phase, code, cause), count in self.replies.items():
            samples.counter("smtp_replies_total", own | {
                "phase": phase, "code": code, "cause": cause}, minute, count)
        self.handshake.put(samples, "smtp_handshake_duration_seconds", own, minute)
        for what, across, start in check.skews:
            whole = {"target": check.name, "across": across} | check.labels
            samples.slow(f"smtp_target_{what}_skew", whole, minute, int(minute >= start))
            if what == "certificate":
                samples.slow("smtp_target_certificate_not_after_spread_seconds", whole, minute,
                             7776000 if minute >= start else 0)
        if check.limit:
            self.limits(samples, minute)
        if worst and not up and minute > worst.start + 5 and worst.blame != "exporter":
            samples.put("ALERTS", {
                "alertname": "SmtpTargetDown" if not spoke else "SmtpTargetRefused",
                "alertstate": "firing", "severity": "critical" if not spoke else "warning",
                "target": check.name, "module": check.module}, minute, 1)

    def limits(self, samples, minute):
        check = self.check
        labels = self.own | {"endpoint": f"{check.name}:{check.port}",
                             "address": check.addresses[0]}
        run = minute - minute % 60
        accepted = next(count for until, count in check.limit if run < until)
        refusal = {"code": "421", "cause": "too_many_connections", "phase": "greeting",
                   "how": "reply"}
        put = lambda name, value, **more: samples.put(name, labels | more, minute, value)
        put("smtp_connection_limit_accepted_connections", accepted)
        put("smtp_connection_limit_tried_connections", 20)
        put("smtp_connection_limit_reached", int(accepted < 20))
        put("smtp_connection_limit_greet_delay_seconds", 0.4)
        put("smtp_connection_limit_recovered", 1)
        put("smtp_connection_limit_recovery_seconds", 1.2)
        put("smtp_connection_limit_last_timestamp_seconds", START + run * 60)
        if accepted == 20:
            return
        put("smtp_connection_limit_refusal", 1, **refusal)
        rate, idle = "smtp_connection_rate_limit_", "smtp_session_idle_timeout_"
        put(rate + "accepted_connections", 30)
        put(rate + "tried_connections", 60)
        put(rate + "reached", 1)
        put(rate + "recovered", 1)
        put(rate + "recovery_seconds", 58.0)
        put(rate + "refusal", 1, **refusal | {"cause": "rate_limited"})
        put(rate + "last_timestamp_seconds", START + run * 60)
        put(idle + "seconds", 300.0)
        put(idle + "reached", 1)
        put(idle + "end", 1, code="421", cause="timeout", how="reply")
        put(idle + "last_timestamp_seconds", START + run * 60)


def lists(samples, world):
    """What the lists say, every hour, and every 15 minutes while a subject is listed."""
    of = {(entry.subject, entry.list): entry for entry in world.listings}
    pairs = [(name, "block") for name in world.lists] + [(name, "allow") for name in world.allow]
    for name, kind in pairs:
        counts = dict.fromkeys(("listed", "clean", "refused", "error", "timeout"), 0)
        took = Histogram(LOOKUP)
        refused = name == world.refusing
        # What an unhealthy list says is not believed.
        silent = "refused" if refused else "list_unhealthy" if name == world.unhealthy else ""
        for minute in range(MINUTES + 1):
            put = lambda what, value, **more: samples.put(what, more, minute, value)
            if minute % SLOW == 0:
                put("smtp_dnsbl_list_healthy", int(name != world.unhealthy), list=name)
                if refused and minute >= 20:
                    put("smtp_dnsbl_list_paused_until_timestamp_seconds", END + 5400, list=name)
            for subject in world.subjects:
                entry = of.get((subject, name))
                hit = bool(entry and entry.start <= minute < entry.end)
                result = "refused" if refused else "listed" if hit else "clean"
                if minute % (15 if hit else 60) == 0 and (not refused or minute < 60):
                    counts[result] += 1
                    took.add(random.lognormvariate(-4, 0.5))
                if minute % SLOW:
                    continue
                labels = {"list": name, "kind": kind, "subject": subject}
                put("smtp_dnsbl_query_success", int(not silent), **labels)
                if silent:
                    put("smtp_dnsbl_query_failure", 1, reason=silent, **labels)
                    continue
                put("smtp_dnsbl_listed", int(hit), **labels)
                since = START + entry.start * 60 if hit else START - 86400 * 40
                put("smtp_dnsbl_since_timestamp_seconds", since, **labels)
                if hit:
                    put("smtp_dnsbl_listing_info", 1, return_code=entry.code,
                        meaning=entry.meaning, **labels)
            for result, count in counts.items():
                samples.counter("smtp_dnsbl_queries_total", {"list": name, "result": result},
                                minute, count)
            took.put(samples, "smtp_dnsbl_query_duration_seconds", {"list": name}, minute)


def posture(samples, domain):
    """What is seen of a domain's records and keys, every hour."""
    areas = ("spf", "dkim", "dmarc", "mta_sts", "tlsrpt", "dane", "mx", "ptr")
    for minute in range(0, MINUTES + 1, SLOW):
        look = minute - minute % 60
        put = lambda name, value, **own: samples.put(  # noqa: E731
            f"smtp_{name}", {"domain": domain.name} | own, minute, value)
        now = [entry for entry in domain.problems if entry[4] <= look]
        wrong = {(problem, value) for _, problem, _, own, _ in now for value in own.values()}
        put("posture_last_timestamp_seconds", START + look * 60)
        put("posture_duration_seconds", 1.4)
        put("posture_interval_seconds", 3600)
        for area in areas:
            for severity in ("error", "warning"):
                put("posture_problems", sum(entry[0] == area and entry[2] == severity
                                            for entry in now), area=area, severity=severity)
        for area, problem, _, own, _ in now:
            put(f"{area}_problem", 1, problem=problem, **own)
        put("spf_present", 1)
        put("spf_valid", int(domain.lookups <= 10))
        put("spf_dns_lookups", domain.lookups)
        put("spf_info", 1, all="fail")
        put("dmarc_present", 1)
        put("dmarc_valid", 1)
        put("dmarc_info", 1, policy=domain.policy, subdomain_policy=domain.policy,
            dkim_alignment="relaxed", spf_alignment="relaxed")
        put("tlsrpt_present", int(not any(entry[0] == "tlsrpt" for entry in now)))
        put("bimi_present", 0)
        if domain.mode:
            put("mta_sts_present", 1)
            put("mta_sts_valid", 1)
            put("mta_sts_info", 1, mode=domain.mode)
        for mx in domain.exchangers:
            mismatch = ("dane_mismatch", mx) in wrong
            missing = ("mta_sts_mx_not_covered", mx) in wrong
            decided = ("dane" if domain.dane == "secure" else
                       "mta_sts" if domain.mode else "opportunistic")
            put("mx_addresses", 2, mx=mx)
            put("mx_starttls_offered", 1, mx=mx)
            put("mx_certificate_verified", 1, mx=mx)
            put("mx_strict_delivery", int(not mismatch and not missing), mx=mx, policy=decided)
            put("dane_info", 1, mx=mx, status=domain.dane)
            if domain.dane == "secure":
                put("dane_matched", int(not mismatch), mx=mx)
                put("dane_spare_present", 0, mx=mx)
            if domain.mode:
                put("mta_sts_mx_covered", int(not missing), mx=mx)
        for address, result in domain.senders:
            put("spf_sender_result", 1, address=address, result=result)
            put("ptr_present", 1, address=address)
            put("ptr_confirmed", int(("ptr_not_confirmed", address) not in wrong), address=address)
            put("ptr_helo_matches", 1, address=address)
            put("ptr_generic", 0, address=address)
        for selector, bits in domain.selectors:
            put("dkim_key_present", 1, selector=selector)
            put("dkim_key_valid", 1, selector=selector)
            put("dkim_key_info", 1, selector=selector, type="rsa")
            put("dkim_key_bits", bits, selector=selector)
            put("dkim_key_revoked", 0, selector=selector)
            put("dkim_key_testing", 0, selector=selector)


def exporter(samples, world):
    """The exporter's own health, and what Prometheus says of its scrapes."""
    lag, processor = Histogram(LAG), 0.0
    checks = len(world.checks)
    for minute in range(MINUTES + 1):
        put = lambda name, value, **more: samples.put(name, more, minute, value)
        lag.add(random.lognormvariate(-7.5, 0.8), checks)
        lag.put(samples, "smtp_exporter_schedule_lag_seconds", {}, minute)
        processor += 0.02 * checks * random.uniform(0.8, 1.2)
        samples.counter("process_cpu_seconds_total", {}, minute, round(processor, 2))
        put("process_resident_memory_bytes", 24_000_000 + 90_000 * checks + 2000 * minute)
        put("process_open_fds", 30 + random.randrange(max(2, checks // 4)))
        put("process_max_fds", 20000)
        put("process_threads", 4)
        put("process_start_time_seconds", START - 86400 * 3)
        put("smtp_exporter_probes_in_flight", random.randrange(1 + checks // 6))
        bad = minute >= world.reload_failed
        put("smtp_exporter_config_last_reload_successful", int(not bad))
        put("smtp_exporter_config_last_reload_success_timestamp_seconds", START - 86400)
        for family in ("ipv4", "ipv6"):
            put("smtp_exporter_family_available", 1, family=family)
        put("smtp_exporter_build_info", 1, version="0.1.0", revision="0123456789ab",
            rustversion="1.95.0")
        put("up", 1)
        put("scrape_duration_seconds", round(0.004 + 0.0001 * checks, 4))
        put("scrape_samples_scraped", 90 + 60 * checks)


def main():
    random.seed(7)
    world = WORLDS[sys.argv[1]]()
    samples = Samples(world.step)
    for check in world.checks:
        course = Course(check)
        for minute in range(MINUTES + 1):
            course.minute(samples, minute)
    lists(samples, world)
    for domain in world.domains:
        posture(samples, domain)
    exporter(samples, world)
    samples.write(sys.stdout)


if __name__ == "__main__":
    main()
