"""The part of the dashboard about domains: their records and keys, and what is wrong with them."""

import common as c
import words as w

CHOSEN = 'job=~"$job",domain=~"$domain"'
AREAS = ("spf", "dkim", "dmarc", "mta_sts", "tlsrpt", "dane", "mx", "ptr")
YES_NO = c.names({0: ("no", c.RED), 1: ("yes", c.GREEN)})
ODD = c.names({0: ("no", None), 1: ("yes", c.ORANGE)})
DELIVERS = c.names({0: ("no", c.RED), 1: ("yes", c.GREEN)})
TO_PROBLEM = c.open_link("What this problem means",
                         "${exporter}/runbooks/${__data.fields.Problem:percentencode}")


def tiles():
    of = lambda severity: f'smtp_posture_problems{{{CHOSEN},severity="{severity}"}}'  # noqa: E731
    counted = lambda title, text, expr, colour=None: c.stat(  # noqa: E731
        title, text, (6, 4), [c.target(expr, instant=True)], decimals=0, no_value="off",
        thresholds=c.steps("transparent", (1, colour)) if colour else c.steps(c.PLAIN),
        background=bool(colour))
    return [
        counted("Errors", "What makes somebody refuse, lose or forge mail of these domains, now.",
                f"sum({of('error')})", c.RED),
        counted("Warnings", "What works today and is weak, or against the standard.",
                f"sum({of('warning')})", c.ORANGE),
        counted("Exchangers refused", "Mail exchangers that a sender which heeds DANE and MTA-STS "
                "would not deliver to.",
                f"""count(max by (domain, mx) (smtp_mx_strict_delivery{{{CHOSEN}}}) == 0)
                    or 0 * count(smtp_mx_strict_delivery{{{CHOSEN}}})""", c.RED),
        counted("Domains looked at", "Domains whose records and keys are looked at.",
                f"count(count by (domain) (smtp_posture_last_timestamp_seconds{{{CHOSEN}}}))"),
    ]


def problem(area):
    """The problems of one area, with what they are about."""
    about = {"dkim": "selector", "spf": "address", "ptr": "address", "mta_sts": "mx",
             "dane": "mx", "mx": "mx"}.get(area)
    found = "smtp" + f"_{area}_problem{{{CHOSEN}}}"
    if not about:
        return f"max by (domain, problem) ({found})"
    return f"""max by (domain, problem, at) (label_replace(
        {found}, "at", "$1", "{about}", "(.+)"))"""


def problems():
    every = "\n or ".join(problem(area) for area in AREAS)
    return [
        c.table("Problems", "Each problem of each domain, and the selector, sending address or "
                "mail exchanger that it is about. The link says what it means and what to do.",
                (14, 9), [c.target(f"topk(100, {every})", table=True)],
                {"domain": ("Domain", {}), "problem": ("Problem", {"links": [TO_PROBLEM]}),
                 "at": ("At", {"noValue": "–"})},
                no_value="No problem is known.", sort=[("Domain", False)], extra=("Value",)),
        c.lines("Problems over time", "Errors and warnings by what they are about.",
                (10, 9),
                [c.target(f"sum by (area, severity) (smtp_posture_problems{{{CHOSEN}}}) > 0",
                          legend="{{area}} {{severity}}")],
                unit="none", decimals=0, stack=True, fill=40, no_value="no problem is known",
                interpolation="stepAfter", side="right"),
    ]


def domains():
    of = lambda metric: f"max by (domain) ({metric}{{{CHOSEN}}})"  # noqa: E731
    told = lambda metric, label, name: (  # noqa: E731
        f'max by (domain, {name}) (label_replace({metric}{{{CHOSEN}}}, "{name}", "$1", '
        f'"{label}", "(.+)"))')
    return [
        c.table("Domains",
                "What each domain says to the world: whether its SPF record is right, how many of "
                "the 10 questions it uses and what it says of everybody else, its DMARC policy, "
                "its MTA-STS mode, and whether it wants TLS reports and has a logo.",
                (24, 7),
                [c.target(f"topk(100, {of('smtp_posture_last_timestamp_seconds')}) * 1000", "A",
                          table=True),
                 c.target(of("smtp_spf_valid"), "B", table=True),
                 c.target(of("smtp_spf_dns_lookups"), "C", table=True),
                 c.target(told("smtp_spf_info", "all", "others"), "D", table=True),
                 c.target(of("smtp_dmarc_valid"), "E", table=True),
                 c.target(told("smtp_dmarc_info", "policy", "dmarc"), "F", table=True),
                 c.target(of("smtp_mta_sts_valid"), "G", table=True),
                 c.target(told("smtp_mta_sts_info", "mode", "sts"), "H", table=True),
                 c.target(of("smtp_tlsrpt_present"), "I", table=True),
                 c.target(of("smtp_bimi_present"), "J", table=True)],
                {"domain": ("Domain", {}),
                 "Value #B": ("SPF", w.coloured_words(YES_NO, 60)),
                 "Value #C": ("Look-ups", w.number(85, thresholds=c.steps(
                     c.PLAIN, (9, c.ORANGE), (11, c.RED)),
                     custom__cellOptions={"type": "color-text"})),
                 "others": ("Others", {"custom__width": 85, "noValue": "–"}),
                 "Value #E": ("DMARC", w.coloured_words(YES_NO, 75)),
                 "dmarc": ("Policy", {"custom__width": 95, "noValue": "–"}),
                 "Value #G": ("MTA-STS", w.coloured_words(YES_NO, 85)),
                 "sts": ("Mode", {"custom__width": 85, "noValue": "–"}),
                 "Value #I": ("TLS reports", w.coloured_words(
                     c.names({0: ("no", None), 1: ("yes", c.GREEN)}), 100)),
                 "Value #J": ("Logo", w.coloured_words(
                     c.names({0: ("no", None), 1: ("yes", c.GREEN)}), 60)),
                 "Value #A": ("Looked at", c.when(145, "–"))},
                no_value="No domain is looked at.",
                extra=("Value #D", "Value #F", "Value #H")),
    ]


def hosts():
    of = lambda metric: f"max by (domain, mx) ({metric}{{{CHOSEN}}})"  # noqa: E731
    return [
        c.table("Mail exchangers of domains",
                "Whether a sender that heeds DANE and MTA-STS would deliver, what decides, and "
                "what it goes by: STARTTLS, a certificate that verifies, the policy that names "
                "the exchanger, and TLSA records with DNSSEC's word on them.",
                (24, 7),
                [c.target(f"topk(100, {of('smtp_mx_addresses')})", "A", table=True),
                 c.target(f"max by (domain, mx, policy) (smtp_mx_strict_delivery{{{CHOSEN}}})",
                          "B", table=True),
                 c.target(of("smtp_mx_starttls_offered"), "C", table=True),
                 c.target(of("smtp_mx_certificate_verified"), "D", table=True),
                 c.target(of("smtp_mta_sts_mx_covered"), "E", table=True),
                 c.target(f"max by (domain, mx, status) (smtp_dane_info{{{CHOSEN}}})", "F",
                          table=True),
                 c.target(of("smtp_dane_matched"), "G", table=True),
                 c.target(of("smtp_dane_spare_present"), "H", table=True)],
                {"domain": ("Domain", {}), "mx": ("Exchanger", {}),
                 "Value #B": ("Strict sender delivers", w.coloured_words(DELIVERS, 175)),
                 "policy": ("Decided by", {"custom__width": 110, "noValue": "–"}),
                 "Value #C": ("STARTTLS", w.coloured_words(YES_NO, 95)),
                 "Value #D": ("Verified", w.coloured_words(YES_NO, 85)),
                 "Value #E": ("In policy", w.coloured_words(YES_NO, 85)),
                 "status": ("TLSA", {"custom__width": 85, "noValue": "–"}),
                 "Value #G": ("Matches", w.coloured_words(YES_NO, 85)),
                 "Value #H": ("Spare", w.coloured_words(
                     c.names({0: ("no", c.ORANGE), 1: ("yes", c.GREEN)}), 70)),
                 "Value #A": ("Addresses", w.number(95))},
                no_value="No mail exchanger is looked at.",
                extra=("Value #F",)),
    ]


def senders():
    of = lambda metric, by: f"max by (domain, {by}) ({metric}{{{CHOSEN}}})"  # noqa: E731
    return [
        c.table("Sending addresses",
                "What SPF says of each address that sends, and whether its reverse name exists, "
                "leads back, agrees with EHLO and looks like a server's.",
                (14, 7),
                [c.target(f"topk(100, {of('smtp_spf_sender_result', 'address, result')})", "A",
                          table=True),
                 c.target(of("smtp_ptr_present", "address"), "B", table=True),
                 c.target(of("smtp_ptr_confirmed", "address"), "C", table=True),
                 c.target(of("smtp_ptr_helo_matches", "address"), "D", table=True),
                 c.target(of("smtp_ptr_generic", "address"), "E", table=True)],
                {"domain": ("Domain", {}), "address": ("Address", {"custom__width": 135}),
                 "result": ("SPF", {"custom__width": 90, "noValue": "–"}),
                 "Value #B": ("Reverse", w.coloured_words(YES_NO, 80)),
                 "Value #C": ("Leads back", w.coloured_words(YES_NO, 95)),
                 "Value #D": ("Is EHLO's", w.coloured_words(
                     c.names({0: ("no", c.ORANGE), 1: ("yes", c.GREEN)}), 85)),
                 "Value #E": ("Generic", w.coloured_words(ODD, 80))},
                no_value="No sending address is looked at.", extra=("Value #A",)),
        c.table("DKIM keys", "The key at each selector: whether verifiers take it, its type and "
                "size, and whether it was taken back or is being tested.",
                (10, 7),
                [c.target(f"topk(100, {of('smtp_dkim_key_present', 'selector')})", "A", table=True),
                 c.target(of("smtp_dkim_key_valid", "selector"), "B", table=True),
                 c.target(of("smtp_dkim_key_info", "selector, type"), "C", table=True),
                 c.target(of("smtp_dkim_key_bits", "selector"), "D", table=True),
                 c.target(of("smtp_dkim_key_revoked", "selector"), "E", table=True),
                 c.target(of("smtp_dkim_key_testing", "selector"), "F", table=True)],
                {"domain": ("Domain", {}), "selector": ("Selector", {"custom__width": 85}),
                 "Value #A": ("There", w.coloured_words(YES_NO, 60)),
                 "Value #B": ("Good", w.coloured_words(YES_NO, 60)),
                 "type": ("Type", {"custom__width": 70, "noValue": "–"}),
                 "Value #D": ("Bits", w.number(55)),
                 "Value #E": ("Revoked", w.coloured_words(ODD, 75)),
                 "Value #F": ("Test", w.coloured_words(ODD, 55))},
                no_value="No DKIM key is looked at.", extra=("Value #C",)),
    ]


def panels():
    return [c.row("Records and keys of domains"), *tiles(), *problems(), *domains(), *hosts(),
            *senders()]
