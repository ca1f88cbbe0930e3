"""SMTP block lists and posture: who lists us and since when, whether the lists can be believed, and
what is wrong with the records and keys of our domains."""

import common as c
import posture
import words as w

CHOSEN = 'job=~"$job",subject=~"$subject",list=~"$list"'
OF_LIST = 'job=~"$job",list=~"$list"'
BLOCK, ALLOW = CHOSEN + ',kind="block"', CHOSEN + ',kind="allow"'
LISTED = c.names({0: ("clean", c.GREEN), 1: ("listed", c.RED)})
TOLD = c.names({0: ("clean", c.GREEN), 1: ("listed", c.RED), -1: ("unknown", c.GREY)})
HEALTH = c.names({0: ("no", c.RED), 1: ("yes", c.GREEN)})
RESULTS = {"clean": c.GREEN, "listed": c.RED, "refused": c.ORANGE, "error": c.PURPLE,
           "timeout": c.GREY}


def counted(title, description, expr, colour=None, no_value="off", **more):
    looks = c.steps("transparent", (1, colour)) if colour else c.steps(c.PLAIN)
    return c.stat(title, description, (4, 4), [c.target(expr, instant=True)], decimals=0,
                  no_value=no_value, thresholds=looks, background=bool(colour), **more)


def tiles():
    listed = f"max by (subject, list) (smtp_dnsbl_listed{{{BLOCK}}})"
    return [
        counted("Listings", "Subjects on block lists, now; one subject on two lists counts "
                "twice.", f"count({listed} == 1) or 0 * count({listed})", c.RED),
        counted("Subjects listed", "Addresses and names of ours that are on a block list, now.",
                f"""count(max by (subject) (smtp_dnsbl_listed{{{BLOCK}}}) == 1)
                    or 0 * count({listed})""", c.RED),
        counted("Subjects watched", "Addresses and names that are looked up.",
                f"count(count by (subject) (smtp_dnsbl_query_success{{{CHOSEN}}}))"),
        counted("Lists asked", "Lists in which they are looked up.",
                f"count(count by (list) (smtp_dnsbl_query_success{{{CHOSEN}}}))"),
        counted("Could not be told", "Look-ups without an answer that can be believed: refused, "
                "failed, too slow, or rewritten on the way. What was known before says nothing "
                "about now.",
                f"""count(min by (subject, list) (smtp_dnsbl_query_success{{{CHOSEN}}}) == 0)
                    or 0 * count(smtp_dnsbl_query_success{{{CHOSEN}}})""", c.ORANGE),
        counted("Lists not healthy", "Lists whose test entries do not answer as they must: what "
                "such a list says is not to be believed. Ask another resolver, or register with "
                "the list.",
                f"""count(min by (list) (smtp_dnsbl_list_healthy{{{OF_LIST}}}) == 0)
                    or 0 * count(smtp_dnsbl_list_healthy{{{OF_LIST}}})""", c.ORANGE),
    ]


def listed():
    return [
        c.table("Listed now",
                "Each listing on a block list, with what the list's answer means. First mend "
                "what put us there, then ask the list for removal.",
                (14, 8),
                [c.target(f"""topk(100, max by (subject, list, return_code, meaning) (
                    smtp_dnsbl_listing_info{{{BLOCK}}}))""", "A", table=True),
                 c.target(f"""max by (subject, list) (smtp_dnsbl_since_timestamp_seconds{{{BLOCK}}}
                    and on (job, instance, subject, list, kind)
                        smtp_dnsbl_listed{{{BLOCK}}} == 1) * 1000""", "B", table=True)],
                {"subject": ("Subject", {}), "list": ("List", {}),
                 "Value #B": ("Since", c.when(145, "–")),
                 "return_code": ("Answer", {"custom__width": 95}),
                 "meaning": ("Meaning", {
                     "custom__wrapText": True,
                     "custom__cellOptions": {"type": "auto", "wrapText": True}})},
                no_value="No listing is known.", sort=[("Since", True)],
                extra=("Value #A",), height="lg"),
        c.table("Could not be told",
                "Look-ups that fail now, and why. Refused: public resolvers and heavy users are "
                "turned away; ask your own resolver, or get a key.",
                (10, 8),
                [c.target(f"""topk(100, max by (subject, list, reason) (
                    smtp_dnsbl_query_failure{{{CHOSEN}}}))""", table=True)],
                {"subject": ("Subject", {}), "list": ("List", {}),
                 "reason": ("Why", {"custom__width": 170})},
                no_value="No look-up is known to fail.", extra=("Value",)),
        c.table("Subjects and lists",
                "What each block list says of each subject. Unknown: it could not be told, which "
                "is not clean. A dash: it was not asked.",
                (24, 8),
                [c.target(f"""topk(100, max by (subject, list) (
                    smtp_dnsbl_listed{{{BLOCK}}}
                    or (smtp_dnsbl_query_success{{{BLOCK}}} == 0) - 1))""", table=True)],
                {}, no_value="No subject is watched.",
                steps_before=[{"id": "groupingToMatrix", "options": {
                    "columnField": "list", "rowField": "subject", "valueField": "Value",
                    "emptyValue": "null"}}]),
        c.lanes("Listings over time",
                "Subjects that were on a block list at some time in the range. Gaps: it could "
                "not be told.",
                (24, 7),
                [c.target(f"""max by (subject, list) (smtp_dnsbl_listed{{{BLOCK}}})
                    and on (subject, list) topk(20, avg by (subject, list) (
                        avg_over_time(smtp_dnsbl_listed{{{BLOCK}}}[$__range] @ end())) > 0)""",
                          legend="{{subject}} on {{list}}")],
                LISTED, no_value="No listing is known in this range."),
    ]


def lists():
    return [
        c.table("Lists",
                "Whether each list's test entries answer as they must, until when it is left "
                "alone after it refused us, and how often and how fast it answered in the range.",
                (24, 9),
                [c.target(f"min by (list) (smtp_dnsbl_list_healthy{{{OF_LIST}}})", "A",
                          table=True),
                 c.target(f"""max by (list) (
                    smtp_dnsbl_list_paused_until_timestamp_seconds{{{OF_LIST}}}) * 1000""", "B",
                          table=True),
                 c.target(f"sum by (list) (increase(smtp_dnsbl_queries_total{{{OF_LIST}}}[$__range]))",
                          "C", table=True),
                 c.target(f"""sum by (list) (increase(
                        smtp_dnsbl_queries_total{{{OF_LIST},result=~"listed|clean"}}[$__range]))
                    / sum by (list) (increase(smtp_dnsbl_queries_total{{{OF_LIST}}}[$__range])) >= 0""",
                          "D", table=True),
                 c.target(f"""histogram_quantile(0.95, sum by (list, le) (rate(
                    smtp_dnsbl_query_duration_seconds_bucket{{{OF_LIST}}}[$__range]))) >= 0""", "E",
                          table=True)],
                {"list": ("List", {}), "Value #A": ("Healthy", w.coloured_words(HEALTH, 85)),
                 "Value #B": ("Left alone until", c.when(145, "–")),
                 "Value #C": ("Queries", w.number(85)),
                 "Value #D": ("Answered", w.number(95, 1, "percentunit")),
                 "Value #E": ("p95", w.number(80, 2, "s"))},
                no_value="No list is asked.", sort=[("Healthy", False)]),
        w.counts("Queries by result", "Queries, by what came of them.",
                 (12, 8), "result", f"smtp_dnsbl_queries_total{{{OF_LIST}}}",
                 no_value="no queries",
                 overrides=[c.fixed(name, colour) for name, colour in RESULTS.items()]),
        c.table("Allow lists", "What allow lists say of us: to be listed there is good.",
                (12, 8),
                [c.target(f"topk(100, max by (subject, list) (smtp_dnsbl_listed{{{ALLOW}}}))",
                          table=True)],
                {"subject": ("Subject", {}), "list": ("List", {}),
                 "Value": ("Listed", w.coloured_words(
                     c.names({0: ("no", None), 1: ("yes", c.GREEN)}), 85))},
                no_value="No allow list is asked.", sort=[("Listed", False)]),
    ]


def made():
    panels = listed()
    matrix = panels[2]
    # The columns of the matrix are lists, whatever they are called.
    matrix["fieldConfig"]["overrides"] = [
        c.override("number", "byType", mappings=TOLD, noValue="–",
                   custom__cellOptions={"type": "color-text"}),
        c.override("subject\\list", displayName="Subject", custom__width=170)]
    return c.dashboard(
        "smtp-lists-and-posture", "SMTP block lists and posture",
        "Who lists our addresses and names, since when and why, whether the lists can be "
        "believed, and what is wrong with the records and keys of our domains.",
        ["mail"],
        [c.query_variable("job", "Job", "label_values(smtp_dnsbl_query_success, job)"),
         c.query_variable("subject", "Subject",
                          'label_values(smtp_dnsbl_query_success{job=~"$job"}, subject)'),
         c.query_variable("list", "List",
                          'label_values(smtp_dnsbl_query_success{job=~"$job"}, list)'),
         c.query_variable("domain", "Domain",
                          'label_values(smtp_posture_last_timestamp_seconds{job=~"$job"}, '
                          'domain)'),
         c.EXPORTER_URL],
        [*tiles(), *panels, c.row("The lists themselves"), *lists(), *posture.panels()],
        alerts=',list=~"$list|",domain=~"$domain|"', links=[w.STATUS_PAGE])
