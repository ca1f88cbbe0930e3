"""The worlds whose history is made up: which targets there are, and what befalls them.

Minutes are those of the six hours that end at `END`; a fault without an end lasts."""

from dataclasses import dataclass, field

END = 1767247500  # 2026-01-01T06:05:00Z: a fixed clock, so that pictures can be compared
MINUTES = 360


@dataclass
class Fault:
    start: int
    end: int
    phase: str
    cause: str
    blame: str
    code: int = 0
    paused: bool = False
    address: str = ""  # of one address alone; else of all


@dataclass
class Check:
    name: str
    module: str = "smtp"
    addresses: tuple = ("192.0.2.10",)
    host: str = ""
    port: int = 25
    base: float = 0.04
    greeting: float = 0.02
    days_left: float = 61
    chain_days: float = 0
    faults: tuple = ()
    expects: bool = False
    auth: bool = False
    labels: dict = field(default_factory=lambda: {"team": "mail"})
    limit: tuple = ()  # (until minute, sessions accepted)
    interval: int = 60
    worse: tuple = ()  # (metric of an endpoint, its own labels, from minute, until minute)
    skews: tuple = ()  # (what, across, from minute) of the whole target


@dataclass
class Listing:
    subject: str
    list: str
    start: int
    end: int
    code: str = "127.0.0.2"
    meaning: str = "spam source"


@dataclass
class Domain:
    """A domain's records. `at` is where a fault begins that lasts."""
    name: str
    exchangers: tuple = ()
    senders: tuple = ()  # (address, SPF's result)
    selectors: tuple = ()  # (selector, bits)
    problems: tuple = ()  # (area, problem, severity, own labels, from minute)
    dane: str = "none"
    mode: str = ""
    policy: str = "reject"
    lookups: int = 4


@dataclass
class World:
    checks: list
    domains: tuple = ()
    subjects: tuple = ()
    lists: tuple = ()
    allow: tuple = ()
    listings: tuple = ()
    refusing: str = ""
    unhealthy: str = ""
    reload_failed: int = MINUTES + 1
    step: int = 1  # minutes between two scrapes


def bad_day():
    """What the demo shows, spread over six hours: some of it heals, some goes on."""
    last = MINUTES + 1
    v6 = "2001:db8::10"
    checks = [
        Check("mx1.example.net", addresses=("192.0.2.10", v6), limit=((180, 20), (last, 8)),
              skews=(("certificate", "endpoints", last), ("capability", "endpoints", 150)),
              worse=(("smtp_starttls_disappeared", {}, 60, 95),
                     ("smtp_auth_plaintext_appeared", {}, 150, last),
                     ("smtp_auth_mechanism_disappeared", {"mechanism": "LOGIN"}, 110, 170)),
              faults=(Fault(236, last, "greeting", "too_many_connections", "sender", 421, True),)),
        Check("mx2.example.net", addresses=("192.0.2.11",), limit=((last, 20),), base=0.06,
              faults=(Fault(95, 121, "connect", "connect_refused", "path"),)),
        Check("mx3.example.net", addresses=("192.0.2.12",), base=0.05,
              faults=(Fault(301, last, "connect", "connect_timeout", "path"),)),
        Check("example.net", addresses=("192.0.2.10", v6, "192.0.2.11", "192.0.2.12"),
              host="mx1.example.net",
              faults=(Fault(301, last, "connect", "connect_timeout", "path",
                            address="192.0.2.12"),)),
        Check("mail.example.net", "submission", ("192.0.2.20",), port=587, auth=True, base=0.12,
              days_left=9, interval=300,
              skews=(("certificate", "ports", 200), ("capability", "ports", last)),
              faults=(Fault(140, 172, "auth", "auth_required", "sender", 535, True),)),
        Check("mail.example.net", "smtps", ("192.0.2.20",), port=465, base=0.1, days_left=9),
        Check("relay.example.net", addresses=("192.0.2.30",), port=2525, greeting=3.1,
              days_left=212, chain_days=120),
        Check("relay.example.net", "relay_check", ("192.0.2.30",), port=2525, expects=True,
              faults=(Fault(210, last, "rcpt", "unexpected_reply", "target", 250),)),
        Check("partner.example.org", "starttls", ("198.51.100.4",), days_left=-0.09, interval=900,
              faults=(Fault(230, last, "tls", "certificate_invalid", "target"),)),
        Check("old.example.org", "starttls", ("198.51.100.9",), interval=900,
              faults=(Fault(0, last, "tls", "tls_incompatible", "target"),)),
        Check("lists.example.org", addresses=("198.51.100.20",), interval=900,
              faults=(Fault(60, 125, "greeting", "system_problem", "target", 421),)),
        Check("big.example.com", addresses=("203.0.113.5", "203.0.113.6", "2001:db8:5::5"),
              base=0.09, interval=900,
              faults=(Fault(190, 330, "greeting", "blocklisted", "sender", 554, True),)),
        Check("missing.example.com", addresses=(), interval=900,
              faults=(Fault(0, last, "resolve", "dns_failure", "target"),)),
        Check("edge.example.net", addresses=("192.0.2.40",),
              faults=(Fault(330, last, "resolve", "dns_failure", "exporter"),)),
    ]
    domains = (
        Domain("example.net", ("mx1.example.net", "mx2.example.net"),
               (("192.0.2.10", "pass"), ("192.0.2.20", "softfail")), (("s1", 1024), ("s2", 2048)),
               (("spf", "spf_sender_not_passing", "error", {"address": "192.0.2.20"}, 0),
                ("dkim", "dkim_short_key", "warning", {"selector": "s1"}, 0),
                ("dane", "dane_mismatch", "error", {"mx": "mx2.example.net"}, 200),
                ("mx", "mx_strict_refused", "error", {"mx": "mx2.example.net"}, 200),
                ("ptr", "ptr_not_confirmed", "error", {"address": "192.0.2.20"}, 90)),
               dane="secure"),
        Domain("example.org", ("mx.example.org",), (("198.51.100.4", "permerror"),), (("k", 2048),),
               (("spf", "spf_too_many_lookups", "error", {}, 120),
                ("mta_sts", "mta_sts_mx_not_covered", "error", {"mx": "mx.example.org"}, 260),
                ("tlsrpt", "tlsrpt_missing", "warning", {}, 0),
                ("dmarc", "dmarc_policy_none", "warning", {}, 0)),
               mode="enforce", policy="none", lookups=12),
        Domain("parked.example", policy="reject", lookups=0),
    )
    return World(
        checks, domains, subjects=("192.0.2.10", "192.0.2.11", "192.0.2.20", v6, "example.net"),
        lists=("zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org", "psbl.surriel.com",
               "dnsbl.dronebl.org", "ix.dnsbl.manitu.net"),
        allow=("list.dnswl.org",),
        listings=(Listing("192.0.2.10", "zen.spamhaus.org", 188, last, "127.0.0.3",
                          "CSS: snowshoe or compromised"),
                  Listing("192.0.2.10", "bl.spamcop.net", 204, last),
                  Listing("192.0.2.20", "psbl.surriel.com", 40, 150),
                  Listing("192.0.2.11", "list.dnswl.org", 0, last, "127.0.5.1", "mail provider")),
        refusing="b.barracudacentral.org", unhealthy="ix.dnsbl.manitu.net", reload_failed=318)


def many():
    """More checks than a graph should show, and a night on which a few of them fail."""
    last = MINUTES + 1
    checks = []
    for number in range(1, 121):
        faults = ()
        if number % 17 == 0:
            faults = (Fault(2 * number, 2 * number + 18, "greeting", "system_problem", "target",
                            421),)
        if number % 40 == 0:
            faults = (Fault(300, last, "connect", "connect_timeout", "path"),)
        checks.append(Check(
            f"mx{number}.example.net", addresses=(f"192.0.2.{number}",),
            base=0.03 + 0.002 * (number % 23), days_left=15 + number, faults=faults,
            labels={"team": "mail"}))
    domains = tuple(
        Domain(f"d{n}.example", (f"mx1.d{n}.example", f"mx2.d{n}.example"),
               ((f"192.0.2.{n}", "pass"),), (("s1", 2048),),
               (("dmarc", "dmarc_policy_none", "warning", {}, 0),) if n % 3 == 0 else ())
        for n in range(1, 31))
    return World(checks, domains, subjects=tuple(f"192.0.2.{n}" for n in range(1, 25)),
                 lists=("zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com"), step=3)


def one():
    """One target, and all is well."""
    domain = Domain("example.net", ("mx1.example.net",), (("192.0.2.10", "pass"),),
                    (("s1", 2048),), dane="secure", mode="enforce")
    return World([Check("mx1.example.net", addresses=("192.0.2.10",))], (domain,))


WORLDS = {"bad": bad_day, "many": many, "one": one, "none": None}
