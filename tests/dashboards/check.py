"""check.py EXPORTER STATE WORLD=URL...: lints every dashboard in grafana/, and runs each query of each
panel and variable against a Prometheus per world, as Grafana would. In the bad world every query has
to find something, but for those listed here with the reason."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import lint
from worlds import END, MINUTES, WORLDS

HERE = Path(__file__).resolve().parent
GRAFANA = HERE.parent.parent / "grafana"
START = END - MINUTES * 60
MOST_SERIES = 100
# The targets of the bad day whose pages are looked at; together they show everything.
LOOKED_AT = ("mx1.example.net", "mail.example.net", "partner.example.org", "relay.example.net",
             "edge.example.net")
# (dashboard, panel, query): why nothing is found on the bad day.
EMPTY = {
    ("smtp-target", "Where the time goes", "L"): "no target makes a dry run that is taken back",
}


class Failed(Exception):
    pass


def ask(url, path, **query):
    try:
        with urllib.request.urlopen(f"{url}{path}?{urllib.parse.urlencode(query)}",
                                    timeout=30) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as error:
        said = json.load(error)
    if said["status"] != "success":
        raise Failed(said["error"])
    if said.get("warnings"):
        raise Failed("; ".join(said["warnings"]))
    return said["data"]


def filled(text, values):
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: values.get(found[1], found[0]), text)


def values_of(dashboard, step, target):
    """What Grafana puts for the variables: everything chosen, or one target."""
    scrape = step * 60
    values = {"__rate_interval": f"{max(scrape + 120, 4 * scrape)}s", "__interval": "120s",
              "__range": f"{MINUTES * 60}s"}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            values[variable["name"]] = ".+" if variable["multi"] else target
    return values


def variables(dashboard, url, values):
    for variable in dashboard["templating"]["list"]:
        if variable["type"] != "query":
            continue
        query = filled(variable["query"]["query"], values)
        found = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", query)
        if not found:
            yield f"variable {variable['name']}: {query} is not label_values"
            continue
        data = ask(url, f"/api/v1/label/{found[2]}/values", **{"match[]": found[1]}, start=START,
                   end=END)
        if not data:
            yield f"variable {variable['name']}: nothing matches {query}"


def run(url, query, instant):
    if instant:
        return ask(url, "/api/v1/query", query=query, time=END)["result"]
    return ask(url, "/api/v1/query_range", query=query, start=START, end=END, step=120)["result"]


def queries(dashboard, url, values):
    """(panel, target, result) of every query of every panel, and of the alerts' marks."""
    for mark in dashboard["annotations"]["list"]:
        yield {"title": "alerts", "type": "marks"}, {"refId": "-"}, run(
            url, filled(mark["expr"], values), False)
    for panel in lint.panels_of(dashboard):
        for target in panel.get("targets", ()):
            query = filled(target["expr"], values)
            if "$" in re.sub(r'"\$1"', "", query):
                raise Failed(f'panel "{panel["title"]}": a variable is left in {query}')
            try:
                yield panel, target, run(url, query, target["instant"])
            except Failed as error:
                raise Failed(f'panel "{panel["title"]}" {target["refId"]}: {error}\n  {query}')


def in_world(dashboard, world, url, target):
    """Which queries found something there, and what is wrong with what they found."""
    step = WORLDS[world]().step if WORLDS[world] else 1
    values = values_of(dashboard, step, target)
    found, wrong = {}, []
    if world == "bad":
        wrong += variables(dashboard, url, values)
    for panel, query, result in queries(dashboard, url, values):
        found[panel["title"], query["refId"]] = bool(result)
        kept = any(one["id"] == "filterByValue" for one in panel.get("transformations", ()))
        # What the table leaves out again does not count.
        if len(result) > MOST_SERIES and not (kept and query["refId"] != "A"):
            wrong.append(f'panel "{panel["title"]}" {query["refId"]}: {len(result)} series')
        for label in re.findall(r"\{\{(\w+)\}\}", query.get("legendFormat", "")):
            if any(label not in series["metric"] for series in result):
                wrong.append(f'panel "{panel["title"]}" {query["refId"]}: no label {label} '
                             "for the legend")
    return found, wrong


def check(dashboard, worlds):
    uid, seen = dashboard["uid"], {}
    single = any(variable["type"] == "query" and not variable["multi"]
                 for variable in dashboard["templating"]["list"])
    for world, url in worlds.items():
        targets = LOOKED_AT if single and world == "bad" else ("mx1.example.net",)
        for target in targets:
            try:
                found, wrong = in_world(dashboard, world, url, target)
            except Failed as error:
                yield f"{world}: {error}"
                continue
            yield from (f"{world}: {problem}" for problem in wrong)
            if world == "bad":
                seen = {key: seen.get(key, False) or has for key, has in found.items()}
            if world == "none" and any(found.values()):
                yield f"none: something is found where there is nothing: {found}"
    for (title, ref), has in seen.items():
        if not has and (uid, title, ref) not in EMPTY:
            yield f'panel "{title}" {ref}: finds nothing on the bad day'
        if has and (uid, title, ref) in EMPTY:
            yield f'panel "{title}" {ref}: is said to find nothing, and does'


def history(catalogue, path):
    """The made-up samples have names and labels that the exporter has."""
    seen = set()
    for line in path.read_text().splitlines() if path.is_file() else ():
        series = line.split("}")[0]
        if line.startswith("#") or series in seen:
            continue
        seen.add(series)
        own = re.findall(r'(\w+)="', series)
        name = series.split("{")[0]
        known = catalogue.labels.get(name)
        if known is None and not lint.FOREIGN.fullmatch(name):
            yield f"history: no such metric: {name}"
        elif known:
            # The label `team` is the targets' own.
            for label in set(own) - known - {"team"}:
                yield f"history: {name} has no label {label}"


def main():
    binary, state, *pairs = sys.argv[1:]
    text = subprocess.run([binary, "reference"], check=True, capture_output=True, text=True).stdout
    worlds = dict(pair.split("=", 1) for pair in pairs)
    catalogue = lint.Catalogue(text)
    good, bad = 1, 0
    state = Path(state)
    wrong = {problem for world in worlds for problem in history(catalogue, state / f"{world}.om")}
    for problem in sorted(wrong):
        print(problem)
    good, bad = good - bool(wrong), bad + bool(wrong)
    uids = set()
    for path in sorted(GRAFANA.glob("*.json")):
        dashboard = json.loads(path.read_text())
        wrong = list(dict.fromkeys([*lint.problems(dashboard, catalogue),
                                    *check(dashboard, worlds)]))
        if dashboard["uid"] in uids:
            wrong.append("its uid is another one's too")
        uids.add(dashboard["uid"])
        for problem in wrong:
            print(f"{path.name}: {problem}")
        good, bad = good + (not wrong), bad + bool(wrong)
    print(f"test result: {good} passed; {bad} failed")
    return bad > 0 or good != 5


if __name__ == "__main__":
    sys.exit(main())
