"""SMTP exporter health: whether the measurement itself can be trusted."""

import common as c
import words as w

CHOSEN = 'job=~"$job",instance=~"$instance"'
SKIPPED = {"budget": c.YELLOW, "backoff": c.BLUE, "ladder": c.GREEN, "overrun": c.RED,
           "shutdown": c.GREY}
RESULTS = {"success": ("good", c.GREEN)} | w.SIDES


def tiles():
    return [
        c.stat("Scraped", "Whether Prometheus reaches the exporter. If not, nothing on the other "
               "dashboards is of now.",
               (4, 4), [c.target(f"min by (instance) (up{{{CHOSEN}}})", legend="{{instance}}",
                                 instant=True)],
               mappings=c.names({0: ("no", c.RED), 1: ("yes", c.GREEN)}),
               no_value="no exporter", thresholds=c.steps(c.GREY)),
        c.stat("Configuration", "Whether the last attempt to read the configuration went well. If "
               "not, the one before is in force: look at the log, or check the file with "
               "--config.check.",
               (4, 4), [c.target(f"""min by (instance) (
                   smtp_exporter_config_last_reload_successful{{{CHOSEN}}})""",
                                 legend="{{instance}}", instant=True)],
               mappings=c.names({0: ("bad", c.RED), 1: ("good", c.GREEN)}),
               no_value="unknown", thresholds=c.steps(c.GREY)),
        c.stat("Stale checks", "Checks whose last probe is older than three intervals and which "
               "are not paused. The exporter is late or stuck: look at lag and skipped probes.",
               (4, 4), [c.target(STALE, instant=True)], decimals=0, no_value="no targets",
               thresholds=c.steps("transparent", (1, c.RED))),
        c.stat("Not measured", "Checks of which nothing trustworthy is known: our own resolver, "
               "descriptors or clock are in trouble.",
               (4, 4), [c.target(f"""count(smtp_target_failure{{{CHOSEN},blame="exporter"}})
                   or 0 * count(smtp_target_interval_seconds{{{CHOSEN}}})""", instant=True)],
               decimals=0, no_value="no targets", thresholds=c.steps("transparent", (1, c.RED))),
        c.stat("Checks", "Targets with each of their modules.",
               (4, 4), [c.target(f"count(smtp_target_interval_seconds{{{CHOSEN}}})",
                                 instant=True)],
               decimals=0, no_value="no targets", background=False),
        c.stat("Version", "The version that runs.",
               (4, 4), [c.target(f"count by (version) (smtp_exporter_build_info{{{CHOSEN}}})",
                                 legend="{{version}}", instant=True)],
               text="name", no_value="unknown", background=False),
    ]


STALE = f"""count(
        time() - max by (instance, target, module) (smtp_probe_last_timestamp_seconds{{{CHOSEN}}})
        > 3 * max by (instance, target, module) (smtp_target_interval_seconds{{{CHOSEN}}})
        unless max by (instance, target, module) (
            smtp_target_paused_until_timestamp_seconds{{{CHOSEN}}}))
    or 0 * count(smtp_target_interval_seconds{{{CHOSEN}}})"""


def probing():
    lag = [c.target(f"""histogram_quantile({part}, sum by (instance, le) (rate(
                smtp_exporter_schedule_lag_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))) >= 0""",
                    chr(65 + at), f"p{round(part * 100)} {{{{instance}}}}")
           for at, part in enumerate((0.5, 0.99))]
    return [
        c.lines("Lag", "From the moment at which a round was due to its start: half of the "
                "rounds, and 99 of 100, were faster. Seconds mean that there are too few "
                "permits, or too little processor time.",
                (12, 8), lag, unit="s", no_value="no rounds", interval="2m"),
        w.counts("Probes by result",
                 "Probes: good, or whose move it is. Grey is the exporter's own trouble, and "
                 "counts against nobody.",
                 (12, 8), "result", f"smtp_probes_total{{{CHOSEN}}}", no_value="no probes",
                 overrides=[c.fixed(name, colour, displayName=text)
                            for name, (text, colour) in RESULTS.items()]),
        w.counts("Skipped probes",
                 "Probes not made. Backoff: a server asked us to stay away. Budget: other probes "
                 "of the same address came first. Overrun: the round before was not done; "
                 "lengthen the interval.",
                 (12, 8), "reason", f"smtp_exporter_probes_skipped_total{{{CHOSEN}}}",
                 no_value="nothing was skipped",
                 overrides=[c.fixed(name, colour) for name, colour in SKIPPED.items()]),
        c.lines("Probes in flight", "Connections under way at once. At max_concurrent_probes, "
                "the others wait.",
                (12, 8), [c.target(f"sum by (instance) (smtp_exporter_probes_in_flight{{{CHOSEN}}})",
                                   legend="{{instance}}")],
                unit="none", decimals=0, no_value="no exporter", fill=20),
    ]


def process():
    def of(expr):
        return [c.target(expr, legend="{{instance}}")]
    return [
        c.lines("Processor", "Share of one core.", (8, 7),
                of(f"""sum by (instance) (
                    rate(process_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval]))"""),
                unit="percentunit", no_value="no exporter"),
        c.lines("Memory", "Resident memory. A fleet of a thousand targets needs tens of "
                "megabytes; steady growth is a fault to report.", (8, 7),
                of(f"sum by (instance) (process_resident_memory_bytes{{{CHOSEN}}})"),
                unit="bytes", no_value="no exporter"),
        c.lines("Descriptors", "Open descriptors, of those that the process may have. Raise the "
                "limit before it is met.", (8, 7),
                of(f"""max by (instance) (process_open_fds{{{CHOSEN}}}
                    / process_max_fds{{{CHOSEN}}})"""),
                unit="percentunit", no_value="no exporter", soft_max=1,
                thresholds=c.steps("transparent", (0.8, c.RED))),
        c.lines("Scrape duration", "How long Prometheus waits for /metrics.", (6, 7),
                of(f"max by (instance) (scrape_duration_seconds{{{CHOSEN}}})"), unit="s",
                no_value="no exporter"),
        c.lines("Samples per scrape", "How many samples a scrape brings.", (6, 7),
                of(f"max by (instance) (scrape_samples_scraped{{{CHOSEN}}})"), unit="short",
                no_value="no exporter"),
        c.table("Exporters", "Each exporter: since when it runs, when it last read its "
                "configuration, and whether it has a route for each address family.", (12, 7),
                [c.target(f"max by (instance) (process_start_time_seconds{{{CHOSEN}}}) * 1000",
                          "A", table=True),
                 c.target(f"""max by (instance) (
                     smtp_exporter_config_last_reload_success_timestamp_seconds{{{CHOSEN}}})
                     * 1000""", "B", table=True),
                 c.target(f"""max by (instance) (
                     smtp_exporter_family_available{{{CHOSEN},family="ipv4"}})""", "C",
                          table=True),
                 c.target(f"""max by (instance) (
                     smtp_exporter_family_available{{{CHOSEN},family="ipv6"}})""", "D",
                          table=True)],
                {"instance": ("Exporter", {}),
                 "Value #A": ("Started", c.when(130)), "Value #B": ("Reloaded", c.when(130)),
                 "Value #C": ("IPv4", w.coloured_words(ROUTE, 55)),
                 "Value #D": ("IPv6", w.coloured_words(ROUTE, 55))},
                no_value="No exporter is scraped."),
    ]


ROUTE = c.names({0: ("no", c.ORANGE), 1: ("yes", c.GREEN)})


def made():
    return c.dashboard(
        "smtp-exporter-health", "SMTP exporter health",
        "Whether the measurement itself can be trusted: scrapes, configuration, lag, skipped "
        "probes, resources.",
        ["exporter"],
        [c.query_variable("job", "Job", "label_values(smtp_exporter_build_info, job)"),
         c.query_variable("instance", "Exporter",
                          'label_values(smtp_exporter_build_info{job=~"$job"}, instance)'),
         c.EXPORTER_URL],
        [*tiles(), *probing(), c.row("Process and scrapes"), *process()],
        alerts="", links=[w.STATUS_PAGE])
