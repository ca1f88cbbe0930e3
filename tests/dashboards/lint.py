"""The rules that every dashboard keeps, as far as its text tells."""

import json
import re

PANELS = ("stat", "timeseries", "table", "state-timeline", "row")
UNITS = ("none", "short", "s", "bytes", "percentunit", "dateTimeFromNow", "suffix: d")
RANGES = ("$__rate_interval", "$__range")
# Families whose metrics are told by others: Prometheus itself, and the process.
FOREIGN = re.compile(r"ALERTS|up|scrape_\w+|process_\w+")
COMMON = {"job", "instance", "le"}


class Catalogue:
    """The exporter's own reference, from what `smtp_exporter reference` prints."""

    def __init__(self, text):
        self.labels, self.counters, self.histograms = {}, set(), set()
        scope = set()
        for line in text.split("# Causes")[0].splitlines():
            if line.startswith("**"):
                scope = set(re.findall(r"`(\w+)`", line)) | (
                    {"target", "module"} if line.startswith("**Endpoint") else
                    {"domain"} if line.startswith("**Posture") else set())
            found = re.match(r"\| `(\w+)` \| (gauge|counter|histogram) \| (.*?) \|", line)
            if not found:
                continue
            name, kind, own = found.groups()
            labels = scope | set(re.findall(r"`(\w+)`", own)) | COMMON
            if kind == "histogram":
                self.histograms.add(name)
                for part in ("_bucket", "_sum", "_count"):
                    self.labels[name + part] = labels
            else:
                self.labels[name] = labels
            if kind != "gauge":
                self.counters |= {name} | {name + part for part in ("_bucket", "_sum", "_count")}

    def problems(self, expression):
        """Names and labels of a query that the exporter does not have."""
        allowed, names = set(), metrics(expression)
        for name in names:
            if FOREIGN.fullmatch(name):
                allowed |= COMMON | {"alertname", "alertstate"}
            elif name not in self.labels:
                yield f"no such metric: {name}"
            else:
                allowed |= self.labels[name]
        for name, label in selected(expression):
            known = self.labels.get(name)
            if known is not None and label not in known:
                yield f"{name} has no label {label}"
        for word in grouped(expression) - made(expression):
            if names and all(name in self.labels for name in names) and word not in allowed:
                yield f"none of its metrics has a label {word}"


def metrics(expression):
    """The metrics that a query selects: each has a matcher, as the rules want it."""
    return re.findall(r"([a-zA-Z_:][\w:]*)\s*\{", expression)


def selected(expression):
    for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*[=!]~?\s*\"", inside):
            yield name, label


def grouped(expression):
    """Labels in `by (…)` and `on (…)`."""
    return {label.strip() for inside in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
            for label in inside.split(",") if label.strip()}


def made(expression):
    return set(re.findall(r'label_replace\(.*?,\s*"(\w+)"', expression))


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def problems(dashboard, catalogue):
    """Everything that is wrong with one dashboard."""
    yield from head(dashboard)
    yield from variables(dashboard)
    yield from places(dashboard)
    for panel in panels_of(dashboard):
        if panel["type"] == "row":
            continue
        where = f'panel "{panel.get("title")}"'
        for problem in of_panel(panel, dashboard, catalogue):
            yield f"{where}: {problem}"


def head(d):
    if not re.fullmatch(r"smtp-[a-z-]{1,35}", d.get("uid", "")):
        yield "its uid is not a readable one"
    if d.get("id") is not None or "__inputs" in d or "__requires" in d:
        yield "it has id, __inputs or __requires, which file provisioning does not take"
    if not 39 <= d.get("schemaVersion", 0) <= 41 or "panels" not in d:
        yield "it is not of the classic schema, 39 to 41"
    if not (d.get("title") and d.get("description") and "smtp_exporter" in d.get("tags", ())):
        yield "it lacks title, description or the tag smtp_exporter"
    if d.get("editable") is not False or d.get("graphTooltip") != 1:
        yield "it is editable, or its crosshair is not shared"
    drop = [link for link in d.get("links", ()) if link["type"] == "dashboards"]
    if not (len(drop) == 1 and drop[0]["asDropdown"] and drop[0]["includeVars"]
            and drop[0]["keepTime"] and set(drop[0]["tags"]) <= set(d["tags"])):
        yield "it has no dropdown of the other dashboards that keeps variables and time"
    marks = d.get("annotations", {}).get("list", ())
    if not any("ALERTS{" in mark.get("expr", "") and mark["datasource"]["uid"] == "${datasource}"
               for mark in marks):
        yield "alerts are not marked in it"


def variables(d):
    made = d["templating"]["list"]
    if not made or (made[0]["type"], made[0]["name"]) != ("datasource", "datasource"):
        yield "its first variable is not the data source"
    text = json.dumps([d["panels"], d["annotations"], d["links"], made])
    for variable in made:
        name = variable["name"]
        if not re.search(rf"\$\{{?{name}\b", text):
            yield f"variable {name} is not used"
        if variable["type"] != "query":
            continue
        if variable["refresh"] != 2:
            yield f"variable {name} is not refreshed with the time range"
        if variable["datasource"]["uid"] != "${datasource}":
            yield f"variable {name} does not use the data source chosen"
        if variable["multi"] != variable["includeAll"]:
            yield f"variable {name} is half a multiple choice"
        if variable["multi"] and variable.get("allValue") != ".+":
            yield f"variable {name}: its allValue is not .+"
        if variable["current"].get("value") not in (None, ["$__all"]):
            yield f"variable {name} keeps a value of somebody's own"


def places(d):
    taken, numbers = {}, set()
    for panel in panels_of(d):
        grid = panel["gridPos"]
        if panel["id"] in numbers:
            yield f"panel number {panel['id']} is there twice"
        numbers.add(panel["id"])
        if grid["x"] + grid["w"] > 24 or grid["w"] < 3 or grid["h"] < 1:
            yield f'panel "{panel["title"]}" does not fit the 24 columns'
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                if (x, y) in taken:
                    yield f'panel "{panel["title"]}" lies over "{taken[x, y]}"'
                    return
                taken[x, y] = panel["title"]


def of_panel(panel, dashboard, catalogue):
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] not in PANELS:
        yield f"type {panel['type']} is not one of {', '.join(PANELS)}"
    if not panel.get("title") or len(panel.get("description", "")) < 15:
        yield "it has no title or no description"
    if not defaults.get("noValue"):
        yield "it does not say what no value means"
    if panel["type"] != "table" and defaults.get("unit") not in UNITS:
        yield f"unit {defaults.get('unit')}"
    for one in panel["fieldConfig"]["overrides"]:
        for entry in one["properties"]:
            if entry["id"] == "unit" and entry["value"] not in UNITS:
                yield f"unit {entry['value']}"
    if panel["type"] == "table" and not panel.get("transformations"):
        yield "its columns are not arranged"
    targets = panel.get("targets", [])
    if not targets or len({target["refId"] for target in targets}) != len(targets):
        yield "it has no queries, or two of one name"
    for one in (panel, *targets):
        if one["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield "it does not use the data source chosen"
    for target in targets:
        for problem in of_query(target["expr"], dashboard, catalogue):
            yield f"query {target['refId']}: {problem}"
    yield from links(panel, {variable["name"] for variable in dashboard["templating"]["list"]})


def of_query(expression, dashboard, catalogue):
    yield from catalogue.problems(expression)
    for function, inside in re.findall(r"\b(\w+)\([^()\[]*\[([^\]]+)\]", expression):
        if inside not in RANGES:
            yield f"{function}() over {inside} and not {' or '.join(RANGES)}"
    bare = re.sub(r"\b(rate|increase)\([^()]*\)", "", expression.replace("@ end()", ""))
    for name in metrics(bare):
        if name in catalogue.counters:
            yield f"{name} is a counter, and raw"
    for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}", expression):
        if 'job=~"$job"' not in inside and name != "ALERTS":
            yield f"{name} of every job"
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable["multi"]:
            if re.search(rf'=\s*"\${variable["name"]}"', expression):
                yield f"${variable['name']} is a multiple choice and needs =~"


def links(panel, known):
    """Links name variables and columns that are there."""
    builtin = {"__url_time_range", "__field", "__data"}
    shown = set()
    for step in panel.get("transformations", ()):
        shown |= set(step["options"].get("renameByName", {}).values())
    for found in re.findall(r'"url": "([^"]*)"', json.dumps(panel)):
        for name in re.findall(r"\$\{(\w+)", found):
            if name not in known | builtin:
                yield f"a link names ${{{name}}}, which is not there"
        for column in re.findall(r"__data\.fields\.(\w+)", found):
            if column not in shown:
                yield f"a link names the column {column}, which is not there"
