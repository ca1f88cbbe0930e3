"""Questions and words that several dashboards have in common."""

import re

from common import (AVAILABILITY_GOAL, AVAILABILITY_POOR, BLUE, CERTIFICATE_CRITICAL,
                    CERTIFICATE_WARNING, GREEN, GREY, ORANGE, PLAIN, PURPLE, RED, YELLOW,
                    causes, lines, names,
                    open_link, override, steps, target)

# What a check (a target with one of its modules) is in. The worst has the highest number.
STATES = {
    1: ("OK", GREEN),
    2: ("not measured", GREY),
    3: ("paused", BLUE),
    4: ("test not met", PURPLE),
    5: ("no session", ORANGE),
    6: ("down", RED),
}
SIDES = {
    "target": ("theirs", RED),
    "path": ("the network's", YELLOW),
    "sender": ("ours, as sender", ORANGE),
    "exporter": ("the exporter's", GREY),
}
STATE_NAMES, SIDE_NAMES = names(STATES), names(SIDES)
UP_DOWN = names({0: ("failed", RED), 1: ("good", GREEN)})


def state(chosen):
    """The state of each check. Down: no endpoint gave a greeting. Refuses us: one did, and none
    took a session. Not measured: our own trouble."""
    by = "max by (target, module)"
    return f"""(
        {by} (smtp_target_paused_until_timestamp_seconds{{{chosen}}} * 0 + 3)
        or 1 + (1 - {by} (smtp_target_up{{{chosen}}}))
            * (5 - {by} (smtp_target_responding{{{chosen}}}))
        or 4 - 3 * {by} (smtp_target_expectation_met{{{chosen}}})
        or {by} (smtp_target_failure{{{chosen},blame="exporter"}} * 2)
    )"""


def often_failing(chosen, most):
    """The checks that failed for the largest part of the whole range, as a filter: the same ones
    at every point of it."""
    parts = " or ".join(
        f"1 - avg by (target, module) (avg_over_time({name}{{{chosen}}}[$__range] @ end()))"
        for name in ("smtp_target_up", "smtp_target_expectation_met"))
    return f"topk({most}, ({parts}) > 0)"


def failing_reply(chosen):
    """The code that was answered in the phase that failed."""
    return f"""max by (target, module) (
        smtp_reply_code{{{chosen}}}
        and on (target, module, endpoint, address, phase) smtp_probe_failure{{{chosen}}}
    )"""


def handshake(chosen, quantile, by="target, module", over="[$__rate_interval]"):
    return f"""histogram_quantile({quantile}, sum by ({by}, le) (
        rate(smtp_handshake_duration_seconds_bucket{{{chosen}}}{over})))"""


def availability(chosen, by=None):
    """Good probes of those that say something about the target, in the whole range."""
    of = "sum" + (f" by ({by})" if by else "")
    return f"""{of} (increase(smtp_probes_total{{{chosen},result="success"}}[$__range]))
        / {of} (increase(smtp_probes_total{{{chosen},result!="exporter"}}[$__range]))"""


def days_left(metric, chosen, by, over="last_over_time", of="[$__range]"):
    """Until a certificate ends, also when it was not seen of late: that is no renewal."""
    by = f" by ({by})" if by else ""
    return f"(min{by} ({over}({metric}{{{chosen}}}{of})) - time()) / 86400"


# Refusals that may pass when tried again, and those that will not.
CODE_COLOURS = [
    override(f"/^{first}/", "byRegexp", color={"mode": "shades", "fixedColor": colour})
    for first, colour in (("2", GREEN), ("3", BLUE), ("4", ORANGE), ("5", RED))
]
# Below everything lies what is not known: it has no colour.
CERTIFICATE_STEPS = steps(PLAIN, (-1e10, RED), (CERTIFICATE_CRITICAL, ORANGE), (CERTIFICATE_WARNING, GREEN))
GOAL = steps(PLAIN, (0, RED), (AVAILABILITY_POOR, ORANGE), (AVAILABILITY_GOAL, GREEN))


# Causes in shades of the colour of whose move they usually are.
CAUSE_COLOURS = [
    override(f"/^({'|'.join(cause for cause, (usual, _) in causes().items() if usual == side)})$/",
             "byRegexp", color={"mode": "shades", "fixedColor": colour})
    for side, (_, colour) in SIDES.items()
]


def first_advice():
    """The first thing to do for each cause; the runbook says the rest."""
    return {cause: re.split("[;:]", advice)[0].rstrip(".") + "."
            for cause, (_, advice) in causes().items()}


def linked(looks, *links):
    return looks | {"links": list(links)}


def coloured_words(mappings, width):
    """A column whose words have the colour of their value."""
    return {"mappings": mappings, "custom__cellOptions": {"type": "color-text"},
            "custom__width": width, "noValue": "–"}


def number(width, decimals=0, unit="none", **more):
    return {"unit": unit, "decimals": decimals, "custom__width": width, "noValue": "–"} | more


def counts(title, description, size, by, counter, *, no_value, legend=None, **more):
    """Bars of how much a counter rose, of the series that rose in the range at all."""
    rose = f"sum by ({by}) (increase({counter}[$__rate_interval]))"
    ever = f"sum by ({by}) (increase({counter}[$__range] @ end())) > 0"
    words = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return lines(title, description, size,
                 [target(f"{rose} and on ({by}) ({ever})", legend=legend or words)],
                 unit="short", decimals=0, stack=True, bars=True, no_value=no_value,
                 interval="5m", **more)


# Links.
TO_TARGET = open_link(
    "Details of this target",
    "/d/smtp-target?${datasource:queryparam}&${job:queryparam}&${exporter:queryparam}"
    "&${__url_time_range}&var-target=${__data.fields.Target:percentencode}")
TO_TARGET_OF_SERIES = open_link(
    "Details of this target",
    "/d/smtp-target?${datasource:queryparam}&${job:queryparam}&${exporter:queryparam}"
    "&${__url_time_range}&var-target=${__field.labels.target:percentencode}")
TO_TRANSCRIPT = open_link(
    "Transcripts", "${exporter}/logs?target=${__data.fields.Target:percentencode}"
    "&module=${__data.fields.Module:percentencode}")
TO_RUNBOOK = open_link(
    "Runbook of this cause", "${exporter}/runbooks/${__data.fields.Cause:percentencode}")
STATUS_PAGE = ("Status page", "${exporter}/", "The exporter's own page")
