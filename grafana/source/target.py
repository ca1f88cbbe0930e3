"""SMTP target: one target, from its state down to each reply, capability and certificate."""

import common as c
import words as w

CHOSEN = 'job=~"$job",target="$target",module=~"$module"'
WHOLE = 'job=~"$job",target="$target"'
ENDPOINT = "module, endpoint, address"
LEAF = "smtp_tls_cert_not_after_timestamp_seconds"
CHAIN = "smtp_tls_chain_not_after_timestamp_seconds"
# The network in blue, waiting in yellow, words in purple, TLS in green, the rest in orange.
PHASE_COLOURS = {
    "resolve": "super-light-blue", "connect": c.BLUE, "tls_implicit": "dark-green",
    "greeting": "yellow", "ehlo": "light-purple", "starttls": "super-light-green",
    "tls": c.GREEN, "ehlo_tls": c.PURPLE, "auth": "dark-blue", "mail": "light-orange",
    "rcpt": c.ORANGE, "rset": "dark-orange", "quit": c.GREY,
}
YES_NO = c.names({0: ("no", c.ORANGE), 1: ("yes", c.GREEN)})
OFFERED = c.names({1: ("yes", c.GREEN)})
# A zero when the target is there and nothing is wrong with it.
NOTHING = f"""0 * max(smtp_target_interval_seconds{{{CHOSEN}}})
    unless on () smtp_target_failure{{{CHOSEN}}}"""


def now():
    failure = f"max by (module, phase, cause, blame) (smtp_target_failure{{{CHOSEN}}})"
    return [
        c.stat("State", "What the target is in now, per module. Down: nobody gave a greeting. "
               "No session: somebody did, and took none, or not with the TLS that is required. "
               "Paused: it asked us to stay away.",
               (6, 4), [c.target(w.state(CHOSEN), legend="{{module}}", instant=True)],
               mappings=w.STATE_NAMES, no_value="unknown", thresholds=c.steps(c.GREY), size_of_text=20),
        c.stat("Why", "The dominant failure: its cause, and the step at which it came. The "
               "runbook says what to do.",
               (5, 4), [c.target(failure, legend="{{cause}} at {{phase}}", instant=True),
                        c.target(NOTHING, "B", "nothing is wrong", instant=True)],
               text="name", no_value="unknown", background=False, size_of_text=18,
               thresholds=c.steps(c.PLAIN, (1, c.RED)),
               links=[c.open_link("Runbook of this cause",
                                  "${exporter}/runbooks/${__field.labels.cause:percentencode}")]),
        c.stat("Whose move", "Who must act: their server, the network between, we as a sender, or "
               "this exporter.",
               (4, 4), [c.target(f"""label_replace(label_replace(label_replace(label_replace({failure},
                    "who", "theirs", "blame", "target"), "who", "the network's", "blame", "path"),
                    "who", "ours", "blame", "sender"), "who", "exporter's", "blame", "exporter")""",
                                 legend="{{who}}", instant=True),
                        c.target(NOTHING, "B", "nobody's", instant=True)],
               text="name", no_value="unknown", background=False, thresholds=c.steps(c.PLAIN)),
        c.stat("Last good", "When a probe of it last went well.",
               (3, 4), [c.target(f"""max (
                    smtp_probe_last_success_timestamp_seconds{{{CHOSEN}}}) * 1000""",
                                 instant=True)],
               unit="dateTimeFromNow", no_value="never", background=False,
               size_of_text=20),
        c.stat("Availability", "Good probes of all that say something about the target, in the "
               "range shown. The colours are those of the objective of 99.9 %.",
               (3, 4), [c.target(w.availability(CHOSEN), instant=True)], unit="percentunit",
               decimals=2, no_value="–", thresholds=w.GOAL, background=False),
        c.stat("Certificate", "Time left until the first certificate of its endpoints ends. "
               "Orange below 21 days, red below 3.",
               (3, 4), [c.target(w.days_left(LEAF, CHOSEN, ""), instant=True)],
               unit=c.DAYS, decimals=0, no_value="–",
               thresholds=w.CERTIFICATE_STEPS, background=False),
    ]


def endpoints():
    of = lambda metric: f"max by ({ENDPOINT}) ({metric}{{{CHOSEN}}})"  # noqa: E731
    return [
        c.table(
            "Endpoints",
            "Every address that the target's name stands for: whether its last probe went well, "
            "and if not, why; the code that was answered last, and when it last went well. An "
            "empty endpoint is a failed resolve.",
            (24, 6),
            [c.target(f"topk(96, {of('smtp_probe_success')})", "A", table=True),
             c.target(f"""max by ({ENDPOINT}, phase, cause, blame) (
                 smtp_probe_failure{{{CHOSEN}}})""", "B", table=True),
             c.target(f"""max by ({ENDPOINT}, family, mx_preference) (
                 smtp_endpoint_info{{{CHOSEN}}})""", "C", table=True),
             c.target(f"""max by ({ENDPOINT}) (smtp_reply_code{{{CHOSEN}}}
                 and on ({ENDPOINT}, target, phase) smtp_probe_failure{{{CHOSEN}}})""", "D",
                      table=True),
             c.target(of("smtp_probe_duration_seconds"), "E", table=True),
             c.target(of("smtp_probe_last_success_timestamp_seconds") + " * 1000", "F",
                      table=True)],
            {"Value #A": ("Probe", c.coloured(w.UP_DOWN, 80)),
             "endpoint": ("Endpoint", {"noValue": "–"}),
             "address": ("Address", {"custom__width": 145}),
             "module": ("Module", {"custom__width": 100}),
             "mx_preference": ("MX", {"custom__width": 50}),
             "phase": ("Step", {"custom__width": 90, "noValue": "–"}),
             "cause": ("Cause", {"custom__width": 170, "links": [w.TO_RUNBOOK], "noValue": "–"}),
             "blame": ("Whose move", w.coloured_words(w.SIDE_NAMES, 120)),
             "Value #D": ("Reply", w.number(65)),
             "Value #E": ("Took", w.number(85, 2, "s")),
             "Value #F": ("Last good", c.when(145))},
            no_value="No endpoint of this target was probed.", sort=[("Probe", False)],
            keep="Value #A", extra=("Value #B", "Value #C", "family")),
        c.lanes(
            "Endpoints over time", "The last probe of each address, as Prometheus saw it.",
            (24, 5),
            [c.target(f"max by ({ENDPOINT}) (smtp_probe_success{{{CHOSEN}}})",
                      legend="{{endpoint}} {{address}} {{module}}")],
            w.UP_DOWN, no_value="No endpoint of this target was probed."),
    ]


def times():
    phases = [c.target(
        f'avg (smtp_probe_phase_duration_seconds{{{CHOSEN},phase="{phase}"}})',
        chr(65 + at), phase) for at, phase in enumerate(c.PHASES)]
    quantiles = [c.target(w.handshake(CHOSEN, part, "module") + " >= 0", chr(65 + at),
                          f"p{round(part * 100)} {{{{module}}}}")
                 for at, part in enumerate((0.5, 0.95, 0.99))]
    return [
        c.lines("Where the time goes",
                "How long each step of the last probe took, from the name to the goodbye; the "
                "mean of the endpoints. A long greeting is a tarpit or a busy server, a long "
                "connect is the network, a long resolve is DNS.",
                (12, 9), phases, unit="s", stack=True, fill=60,
                no_value="no probe", overrides=[c.fixed(p, colour) for p, colour in PHASE_COLOURS.items()],
                side="right"),
        c.lines("Handshake time",
                "From connecting to the moment at which mail could be handed over: of 100 "
                "sessions, 50, 95 and 99 were faster. Only sessions that came so far.",
                (12, 9), quantiles, unit="s", no_value="no session was accepted",
                interval="5m", side="right"),
    ]


def replies():
    heard = f"smtp_replies_total{{{CHOSEN}}}"
    refused = f'smtp_replies_total{{{CHOSEN},cause!="none"}}'
    return [
        w.counts("Replies by code",
                 "Replies heard, by code. Green and blue are as they should be; orange may pass "
                 "when tried again, red will not.",
                 (12, 8), "code", heard, no_value="no replies", overrides=w.CODE_COLOURS,
                 side="right"),
        w.counts("Refusals by step and cause",
                 "Refusing replies, by the step at which they came and what they mean.",
                 (12, 8), "phase, cause", refused, no_value="no refusals",
                 legend="{{phase}}: {{cause}}", side="right",
                 colour={"mode": "shades", "fixedColor": c.ORANGE}),
    ]


def offered():
    matrix = lambda column, row: [  # noqa: E731
        {"id": "groupingToMatrix", "options": {
            "columnField": column, "rowField": row, "valueField": "Value",
            "emptyValue": "null"}}]
    return [
        c.table("Capabilities", "What EHLO offers, before and inside TLS. AUTH before TLS is an "
                "invitation to send passwords in clear.",
                (7, 10),
                [c.target(f"max by (capability, channel) (smtp_capability{{{CHOSEN}}})",
                          table=True)],
                {"capability\\channel": ("Capability", {}),
                 "plain": ("In clear", w.coloured_words(OFFERED, 80)),
                 "tls": ("In TLS", w.coloured_words(OFFERED, 70))},
                no_value="EHLO was not answered.", steps_before=matrix("channel", "capability")),
        c.table("Logins", "SASL mechanisms that are offered, before and inside TLS.",
                (5, 10),
                [c.target(f"max by (mechanism, channel) (smtp_auth_mechanism{{{CHOSEN}}})",
                          table=True)],
                {"mechanism\\channel": ("Mechanism", {}),
                 "plain": ("In clear", w.coloured_words(c.names({1: ("yes", c.RED)}), 80)),
                 "tls": ("In TLS", w.coloured_words(OFFERED, 70))},
                no_value="No login is offered.", steps_before=matrix("channel", "mechanism")),
        c.lines("Days until certificates end",
                "Of the server's certificate, and of the first certificate to end in the chain "
                "that it serves. The dashed lines are those of the alerts: 21 days and 3. A line "
                "that does not jump up after a renewal: the server was not reloaded.",
                (12, 10),
                [c.target(w.days_left(LEAF, CHOSEN, "endpoint", "", ""), "A",
                          "{{endpoint}} certificate"),
                 c.target(w.days_left(CHAIN, CHOSEN, "endpoint", "", ""), "B",
                          "{{endpoint}} chain")],
                unit=c.DAYS, decimals=0, no_value="no certificate was seen",
                thresholds=c.steps(c.RED, (c.CERTIFICATE_CRITICAL, c.ORANGE),
                                   (c.CERTIFICATE_WARNING, "transparent")),
                soft_max=30),
    ]


def tls():
    of = lambda metric: f"max by ({ENDPOINT}) ({metric}{{{CHOSEN}}})"  # noqa: E731
    return [
        c.table("TLS", "What was agreed on in the last probe of each address, and whether the "
                "certificate verifies.",
                (24, 6),
                [c.target(f"max by ({ENDPOINT}, version, cipher, group) (smtp_tls_info{{{CHOSEN}}})",
                          "A", table=True),
                 c.target(of("smtp_starttls_offered"), "B", table=True),
                 c.target(of("smtp_tls_established"), "C", table=True),
                 c.target(of("smtp_tls_verified"), "D", table=True),
                 c.target(f"max by ({ENDPOINT}, reason) (smtp_tls_verify_failure{{{CHOSEN}}})",
                          "E", table=True)],
                {"endpoint": ("Endpoint", {}), "address": ("Address", {"custom__width": 145}),
                 "module": ("Module", {"custom__width": 95}),
                 "Value #B": ("STARTTLS", w.coloured_words(YES_NO, 95)),
                 "Value #C": ("Handshake", w.coloured_words(
                     c.names({0: ("failed", c.RED), 1: ("good", c.GREEN)}), 100)),
                 "Value #D": ("Verified", w.coloured_words(YES_NO, 85)),
                 "reason": ("Why not", {"custom__width": 100, "noValue": "–"}),
                 "version": ("Version", {"custom__width": 75}),
                 "cipher": ("Cipher", {"custom__width": 230}),
                 "group": ("Group", {"custom__width": 150})},
                no_value="No TLS was seen.", extra=("Value #A", "Value #E")),
        c.table("Certificates", "The certificate that each address serves, also when it does not "
                "verify, and when the first one of its chain ends.",
                (24, 6),
                [c.target(f"""max by ({ENDPOINT}, subject, issuer, key, sha256) (label_replace(
                    smtp_tls_cert_info{{{CHOSEN}}}, "sha256", "$1", "fingerprint_sha256",
                    "(.{{12}}).*"))""", "A", table=True),
                 c.target(w.days_left(LEAF, CHOSEN, ENDPOINT, "", ""), "B", table=True),
                 c.target(w.days_left(CHAIN, CHOSEN, ENDPOINT, "", ""), "C",
                          table=True)],
                {"endpoint": ("Endpoint", {}), "address": ("Address", {"custom__width": 130}),
                 "module": ("Module", {"custom__width": 90}),
                 "Value #B": ("Ends in", w.number(75, 0, c.DAYS,
                              thresholds=w.CERTIFICATE_STEPS,
                              custom__cellOptions={"type": "color-text"})),
                 "Value #C": ("Chain", w.number(75, 0, c.DAYS,
                              thresholds=w.CERTIFICATE_STEPS,
                              custom__cellOptions={"type": "color-text"})),
                 "subject": ("Subject", {"custom__width": 210}),
                 "issuer": ("Issuer", {"custom__width": 190}),
                 "key": ("Key", {"custom__width": 90}),
                 "sha256": ("SHA-256", {"custom__width": 120})},
                no_value="No certificate was seen.", keep="Value #B", extra=("Value #A",)),
    ]


def compared():
    worse = lambda metric, by: (  # noqa: E731
        f"max by ({by}) ({metric}{{{CHOSEN}}}) and on ({by}) "
        f"(max by ({by}) (max_over_time({metric}{{{CHOSEN}}}[$__range] @ end())) == 1)")
    return [
        c.lanes(
            "Certificates and capabilities compared",
            "Whether addresses that stand for one another, and the ports of one address, serve the "
            "same certificate and offer the same. The target's page on the exporter names two that "
            "differ. Nothing is shown where there are not two that can be compared.",
            (12, 6),
            [c.target(f"max by (across) (smtp_target_certificate_skew{{{WHOLE}}})", "A",
                      "certificates, {{across}}"),
             c.target(f"max by (across) (smtp_target_capability_skew{{{WHOLE}}})", "B",
                      "capabilities, {{across}}")],
            c.names({0: ("the same", c.GREEN), 1: ("differ", c.ORANGE)}),
            no_value="No two endpoints or ports can be compared."),
        c.lanes(
            "Gone, or newly in clear",
            "What got worse since probes last went well: STARTTLS or a login mechanism that is "
            "offered no longer, or a login that is newly offered in clear. It ends when all is as "
            "before, or after a week.",
            (12, 6),
            [c.target(worse("smtp_starttls_disappeared", ENDPOINT), "A",
                      "STARTTLS gone: {{endpoint}} {{address}}"),
             c.target(worse("smtp_auth_plaintext_appeared", ENDPOINT), "B",
                      "login in clear: {{endpoint}} {{address}}"),
             c.target(worse("smtp_auth_mechanism_disappeared", f"{ENDPOINT}, mechanism"), "C",
                      "{{mechanism}} gone: {{endpoint}} {{address}}")],
            c.names({0: ("as before", c.GREEN), 1: ("worse", c.RED)}),
            no_value="Nothing got worse."),
    ]


def limits():
    of = lambda metric: f"max by ({ENDPOINT}) ({metric}{{{CHOSEN}}})"  # noqa: E731
    idle_end = f"""max by ({ENDPOINT}, idle_end) (label_replace(
        smtp_session_idle_timeout_end{{{CHOSEN}}}, "idle_end", "$1", "how", "(.+)"))"""
    return [
        c.table("Limits",
                "The last measurement of each endpoint. At once: sessions held open side by side, "
                "how the next one was refused, how long it took until a new one was accepted, and "
                "the longest greeting. In a row: connections one after the other until the server "
                "refused. Idle: how long a silent session was kept, and what ended it.",
                (24, 5),
                [c.target(of("smtp_connection_limit_accepted_connections"), "A", table=True),
                 c.target(f"""max by ({ENDPOINT}, code, cause) (
                     smtp_connection_limit_refusal{{{CHOSEN}}})""", "B", table=True),
                 c.target(of("smtp_connection_limit_recovery_seconds"), "C", table=True),
                 c.target(of("smtp_connection_limit_greet_delay_seconds"), "D", table=True),
                 c.target(of("smtp_connection_rate_limit_accepted_connections"), "E",
                          table=True),
                 c.target(of("smtp_connection_rate_limit_recovery_seconds"), "F", table=True),
                 c.target(of("smtp_session_idle_timeout_seconds"), "G", table=True),
                 c.target(idle_end, "H", table=True),
                 c.target(of("smtp_connection_limit_last_timestamp_seconds") + " * 1000", "I",
                          table=True)],
                {"endpoint": ("Endpoint", {}), "address": ("Address", {"custom__width": 145}),
                 "Value #A": ("At once", w.number(75)),
                 "code": ("Code", {"custom__width": 60, "noValue": "–"}),
                 "cause": ("Cause", {"custom__width": 170, "noValue": "–"}),
                 "Value #C": ("New after", w.number(90, 1, "s")),
                 "Value #D": ("Greeting", w.number(80, 1, "s")),
                 "Value #E": ("In a row", w.number(75)),
                 "Value #F": ("New after ", w.number(90, 1, "s")),
                 "Value #G": ("Idle", w.number(65, 0, "s")),
                 "idle_end": ("Ended by", {"custom__width": 85, "noValue": "–"}),
                 "Value #I": ("Measured", c.when(145, "–"))},
                no_value="No limit of this target is measured.",
                extra=("Value #B", "Value #H", "module")),
        c.lines("Sessions accepted at once",
                "How many sessions the server held open for one client in each measurement, and "
                "how many were tried at most. Below the cap, the server's own limit was met. A "
                "fall means that somebody lowered it, or that something else uses it up.",
                (24, 7),
                [c.target(of("smtp_connection_limit_accepted_connections"), "A",
                          "{{endpoint}} {{address}} accepted"),
                 c.target(of("smtp_connection_limit_tried_connections"), "B",
                          "{{endpoint}} {{address}} tried at most")],
                unit="none", decimals=0, no_value="no connection limit is measured",
                interpolation="stepAfter",
                overrides=[c.override("/tried at most$/", "byRegexp",
                                      color={"mode": "fixed", "fixedColor": c.GREY},
                                      custom__lineStyle={"fill": "dash", "dash": [6, 6]})]),
    ]


def made():
    return c.dashboard(
        "smtp-target", "SMTP target",
        "One target: each of its endpoints and addresses, where the time goes, what was answered, "
        "what is offered, certificates and limits.",
        ["mail"],
        [c.query_variable("job", "Job", "label_values(smtp_target_responding, job)"),
         c.query_variable("target", "Target",
                          'label_values(smtp_target_responding{job=~"$job"}, target)',
                          single=True),
         c.query_variable("module", "Module",
                          'label_values(smtp_target_responding{job=~"$job",target="$target"}, '
                          'module)'),
         c.EXPORTER_URL],
        [*now(), *endpoints(), c.row("Time and replies"), *times(), *replies(),
         c.row("What it offers"), *offered(), *tls(), *compared(), c.row("Limits"), *limits()],
        alerts=',target=~"$target|"',
        links=[("Transcripts", "${exporter}/logs?target=${target}",
                "The last failure and the last success of each endpoint, line by line"),
               w.STATUS_PAGE])
