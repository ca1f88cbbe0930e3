"""SMTP overview: is mail moving, and if not, which target, at which step, why, whose move, since
when, and what to do."""

import common as c
import words as w

CHOSEN = 'job=~"$job",module=~"$module",target=~"$target"'
STATE = w.state(CHOSEN)
CAUSE = f"max by (target, module, phase, cause, blame) (smtp_target_failure{{{CHOSEN}}})"
LAST_GOOD = f"""max by (target, module) (
    smtp_probe_last_success_timestamp_seconds{{{CHOSEN}}}) * 1000"""
LEAF = w.days_left("smtp_tls_cert_not_after_timestamp_seconds", CHOSEN, "target, module")


def now():
    counted = [c.target(f"count({STATE} == {value}) or 0 * count({STATE})", chr(65 + at),
                        text.capitalize() if text != "OK" else text, instant=True)
               for at, (value, (text, _)) in enumerate(reversed(w.STATES.items()))]
    tiles = [c.override(text.capitalize() if text != "OK" else text,
                        thresholds=c.steps("transparent", (1, colour)))
             for text, colour in w.STATES.values()]
    return c.stat(
        "Targets now",
        "How many checks (a target with one of its modules) are in which state. Down: nobody gave "
        "a greeting. No session: somebody did, and took none, or not with the TLS that is "
        "required. Test not met: a "
        "negative test, such as the one for an open relay. Paused: the server asked us to stay "
        "away. Not measured: the exporter's own trouble; see SMTP exporter health.",
        (15, 4), counted, decimals=0, overrides=tiles)


def figures():
    return [
        c.stat("Availability",
               "Good probes of all that say something about the targets, in the range shown. What "
               "our own trouble spoilt is not counted. The colours are those of the objective of "
               "99.9 %.",
               (3, 4), [c.target(w.availability(CHOSEN), instant=True)], unit="percentunit",
               decimals=2, no_value="–", thresholds=w.GOAL, background=False),
        c.stat("Certificates",
               "Checks whose certificate ends within 21 days, or has ended. Renew it, and reload "
               "the server: many go on serving the old one.",
               (3, 4), [c.target(f"count({LEAF} < {c.CERTIFICATE_WARNING}) or 0 * count({LEAF})",
                                 legend="end in 21 d", instant=True)],
               decimals=0, no_value="–", thresholds=c.steps("transparent", (1, c.ORANGE)),
               text="value_and_name"),
        c.stat("Block lists",
               "Listings of our addresses and names on block lists, now. See SMTP block lists "
               "for which, since when and why.",
               (3, 4), [c.target(
                   'count(max by (subject, list) (smtp_dnsbl_listed{job=~"$job",kind="block"}) == 1)'
                   ' or 0 * count(smtp_dnsbl_listed{job=~"$job",kind="block"})',
                   legend="listings", instant=True)],
               decimals=0, no_value="off", thresholds=c.steps("transparent", (1, c.RED)),
               text="value_and_name",
               links=[c.open_link("Block lists",
                                  "/d/smtp-lists-and-posture?${datasource:queryparam}"
                                  "&${job:queryparam}&${__url_time_range}")]),
    ]


def wrong():
    of = f"and on (target, module) ({STATE} > 1)"
    advised = f'label_replace({CAUSE}, "advice", "$1", "cause", "(.+)")'
    return c.table(
        "What is wrong now, and what to do",
        "Every check that is not OK, the worst first: at which step it failed, why, whose move it "
        "is, and when a probe last went well. Click a target for its details, a cause for its "
        "runbook, a state for the transcript.",
        (24, 11),
        [c.target(f"topk(100, {STATE} > 1)", "A", table=True),
         c.target(f"{advised} {of}", "B", table=True),
         c.target(f"{LAST_GOOD} {of}", "C", table=True),
         c.target(f"{w.failing_reply(CHOSEN)} {of}", "D", table=True)],
        {
            "Value #A": ("State", w.linked(c.coloured(w.STATE_NAMES, 115), w.TO_TRANSCRIPT)),
            "target": ("Target", {"custom__width": 170, "links": [w.TO_TARGET]}),
            "module": ("Module", {"custom__width": 95}),
            "phase": ("Step", {"custom__width": 80}),
            "cause": ("Cause", {"custom__width": 170, "links": [w.TO_RUNBOOK]}),
            "blame": ("Whose move", w.coloured_words(w.SIDE_NAMES, 115)),
            "Value #D": ("Reply", w.number(60)),
            "Value #C": ("Last good", c.when(120)),
            "advice": ("What to do", {
                "mappings": c.names({cause: (text, None)
                                     for cause, text in w.first_advice().items()}),
                "custom__wrapText": True,
                "custom__cellOptions": {"type": "auto", "wrapText": True}}),
        },
        no_value="Nothing is wrong with what is measured; “Targets now” says how much that is.",
        sort=[("State", True)], extra=("Value #B",), height="lg")


def course():
    return c.lanes(
        "Targets that were not always up",
        "The state of each check over time, for the twenty that failed for the largest part of "
        "the range. Checks that never failed are left out. Gaps: nothing was measured.",
        (24, 9),
        [c.target(f"{STATE} and on (target, module) {w.often_failing(CHOSEN, 20)}",
                  legend="{{target}} {{module}}")],
        w.STATE_NAMES, no_value="Nothing that was measured failed in this range.",
        links=[w.TO_TARGET_OF_SERIES])


def failures():
    sides = [c.fixed(side, colour, displayName=text) for side, (text, colour) in w.SIDES.items()]
    failed = f"smtp_probe_failures_total{{{CHOSEN}}}"
    return [
        w.counts("Failures by cause",
                 "Failed probes. One cause at many targets at once points to our side or to the "
                 "network; one target alone to that target.",
                 (12, 8), "cause", failed, no_value="no failures were seen",
                 overrides=w.CAUSE_COLOURS),
        w.counts("Failures by whose move it is",
                 "Failed probes, by who must act. What the exporter spoilt says nothing about the "
                 "targets.",
                 (12, 8), "blame", failed, no_value="no failures were seen", overrides=sides),
    ]


def everything():
    return c.table(
        "All targets",
        "Every check, the worst first, the hundred worst at most: its state, the handshake time "
        "that 95 of 100 sessions kept to in the range shown, when its certificate ends, its "
        "availability in the range, and how many of its endpoints take mail. Click a target for its details.",
        (24, 12),
        [c.target(f"topk(100, {STATE})", "A", table=True),
         c.target(CAUSE, "B", table=True),
         c.target(w.failing_reply(CHOSEN), "C", table=True),
         c.target(w.availability(CHOSEN, "target, module"), "D", table=True),
         c.target(w.handshake(CHOSEN, 0.95, over="[$__range]") + " >= 0", "E", table=True),
         c.target(LEAF, "F", table=True),
         c.target(LAST_GOOD, "G", table=True),
         c.target(f"""sum by (target, module) (
             smtp_target_endpoints{{{CHOSEN},state=~"available"}})""", "H", table=True)],
        {
            "Value #A": ("State", w.linked(c.coloured(w.STATE_NAMES, 115), w.TO_TRANSCRIPT)),
            "target": ("Target", {"links": [w.TO_TARGET]}),
            "module": ("Module", {"custom__width": 110}),
            "cause": ("Cause", {"links": [w.TO_RUNBOOK], "custom__width": 180, "noValue": "–"}),
            "Value #C": ("Reply", {"decimals": 0, "unit": "none", "noValue": "–",
                                   "custom__width": 65}),
            "Value #D": ("Availability", {
                "unit": "percentunit", "decimals": 2, "thresholds": w.GOAL, "noValue": "–",
                "custom__cellOptions": {"type": "color-text"}, "custom__width": 105}),
            "Value #E": ("Handshake p95", {"unit": "s", "decimals": 2, "noValue": "–",
                                           "custom__width": 125}),
            "Value #F": ("Certificate", w.number(
                100, 0, c.DAYS, thresholds=w.CERTIFICATE_STEPS,
                custom__cellOptions={"type": "color-text"})),
            "Value #G": ("Last good", c.when()),
            "Value #H": ("Endpoints", w.number(90)),
        },
        no_value="No target is scraped. Is the job's name right, and the exporter running?",
        sort=[("State", True)], keep="Value #A", extra=("Value #B", "phase", "blame"))


def speed():
    return [
        c.lines("Slowest handshakes (p95)",
                "From connecting to the moment at which mail could be handed over: 95 of 100 "
                "sessions were faster. The ten slowest checks of the range. A slow greeting may "
                "be a tarpit; see the target's phases.",
                (12, 9),
                [c.target(f"""{w.handshake(CHOSEN, 0.95)} >= 0 and on (target, module) topk(10,
                    {w.handshake(CHOSEN, 0.95, over="[$__range] @ end()")} >= 0)""",
                          legend="{{target}} {{module}}")],
                unit="s", no_value="no session was accepted", interval="5m",
                links=[w.TO_TARGET_OF_SERIES]),
        w.counts("Refusals by reply code",
                 "Replies of 400 and above: 4xx may pass when tried again, 5xx will not. A probe "
                 "is one idle client; a busy sender may be refused more. Refusals that negative tests "
                 "want are among them.",
                 (12, 9), "code",
                 f'smtp_replies_total{{{CHOSEN},code!~"2..|3..",cause!="none"}}',
                 no_value="no refusals were seen", overrides=w.CODE_COLOURS),
    ]


def standing():
    return [
        c.table("Our listings on block lists",
                "Subjects that are listed now, and since when. See SMTP block lists.",
                (12, 6),
                [c.target("""topk(50, max by (subject, list) (
                    smtp_dnsbl_since_timestamp_seconds{job=~"$job",kind="block"}
                    and on (job, instance, subject, list, kind)
                        smtp_dnsbl_listed{job=~"$job"} == 1) * 1000)""", table=True)],
                {"subject": ("Subject", {}), "list": ("List", {}),
                 "Value": ("Since", c.when(150))},
                no_value="No listing is known."),
        c.table("Connection limits",
                "How many sessions at once each server accepted in the last measurement, of how "
                "many that were tried. Only for servers of ours for which it is configured.",
                (12, 6),
                [c.target(f"""topk(50, min by (target, module) (
                    smtp_connection_limit_accepted_connections{{{CHOSEN}}}))""", "A", table=True),
                 c.target(f"""max by (target, module) (
                    smtp_connection_limit_tried_connections{{{CHOSEN}}})""", "B", table=True),
                 c.target(f"""max by (target, module, how, code, cause) (
                    smtp_connection_limit_refusal{{{CHOSEN}}})""", "C", table=True)],
                {"target": ("Target", {"links": [w.TO_TARGET]}),
                 "Value #A": ("Accepted", {"decimals": 0, "custom__width": 85}),
                 "Value #B": ("Tried", {"decimals": 0, "custom__width": 65}),
                 "how": ("Ended by", {"custom__width": 85, "noValue": "–"}),
                 "cause": ("Cause", {"custom__width": 170, "noValue": "–"})},
                no_value="No connection limit is measured.", keep="Value #A",
                extra=("Value #C", "code", "module")),
    ]


def made():
    return c.dashboard(
        "smtp-overview", "SMTP overview",
        "Is mail moving, and if not: which target, at which step, why, whose move it is, since "
        "when, and what to do.",
        ["mail"],
        [c.query_variable("job", "Job", "label_values(smtp_target_responding, job)"),
         c.query_variable("module", "Module",
                          'label_values(smtp_target_responding{job=~"$job"}, module)'),
         c.query_variable("target", "Target",
                          'label_values(smtp_target_responding{job=~"$job",module=~"$module"}, '
                          'target)'),
         c.EXPORTER_URL],
        [now(), *figures(), wrong(), course(), c.row("Why"), *failures(), c.row("All targets"),
         everything(), *speed(), c.row("Our standing"), *standing()],
        alerts="", links=[w.STATUS_PAGE])
