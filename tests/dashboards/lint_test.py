"""lint_test.py EXPORTER: every rule of lint.py is broken once, and has to say so."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import lint

GRAFANA = Path(__file__).resolve().parents[2] / "grafana"


def first(dashboard, kind):
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


def query(dashboard, expression, kind="timeseries"):
    first(dashboard, kind)["targets"][0]["expr"] = expression


def variable(dashboard, **more):
    dashboard["templating"]["list"][1].update(more)


CHOSEN = 'job=~"$job",module=~"$module",target=~"$target"'
# What is done to a good dashboard, and a part of what has to be said of it.
BREAKS = {
    "an unreadable uid": (lambda d: d.update(uid="aeX3Q"), "uid"),
    "an id": (lambda d: d.update(id=7), "id, __inputs"),
    "inputs": (lambda d: d.update(__inputs=[]), "id, __inputs"),
    "another schema": (lambda d: d.update(schemaVersion=36), "classic schema"),
    "no description": (lambda d: d.pop("description"), "lacks title"),
    "editable": (lambda d: d.update(editable=True), "editable"),
    "no dropdown": (lambda d: d["links"].pop(0), "dropdown"),
    "no alerts": (lambda d: d["annotations"]["list"].clear(), "alerts are not marked"),
    "another first variable": (lambda d: d["templating"]["list"].reverse(), "first variable"),
    "a variable too many": (lambda d: d["templating"]["list"].append(
        {"name": "idle", "type": "textbox"}), "variable idle is not used"),
    "a variable not refreshed": (lambda d: variable(d, refresh=1), "not refreshed"),
    "All without a value": (lambda d: variable(d, allValue=None), "allValue"),
    "a value of somebody's": (lambda d: variable(d, current={"value": ["mine"]}), "keeps a value"),
    "two panels in one place": (
        lambda d: first(d, "table").update(gridPos={"x": 0, "y": 0, "w": 24, "h": 9}), "lies over"),
    "a panel too wide": (
        lambda d: first(d, "table")["gridPos"].update(x=12), "does not fit"),
    "a number twice": (lambda d: first(d, "table").update(id=1), "is there twice"),
    "a panel type of no core": (lambda d: first(d, "table").update(type="graph"), "type graph"),
    "no words on a panel": (lambda d: first(d, "table").update(description=""), "no title or no"),
    "no word for nothing": (
        lambda d: first(d, "stat")["fieldConfig"]["defaults"].pop("noValue"), "no value means"),
    "an unknown unit": (
        lambda d: first(d, "stat")["fieldConfig"]["defaults"].update(unit="sec"), "unit sec"),
    "another data source": (lambda d: first(d, "stat").update(
        datasource={"type": "prometheus", "uid": "P1809"}), "data source chosen"),
    "two queries of a name": (lambda d: first(d, "stat")["targets"].append(
        copy.deepcopy(first(d, "stat")["targets"][0])), "two of one name"),
    "a metric that is not there": (
        lambda d: query(d, f"smtp_target_upp{{{CHOSEN}}}"), "no such metric"),
    "a label that is not there": (
        lambda d: query(d, f'smtp_target_up{{{CHOSEN},cause="x"}}'), "has no label cause"),
    "a group that is not there": (
        lambda d: query(d, f"sum by (couse) (smtp_target_failure{{{CHOSEN}}})"), "label couse"),
    "a counter raw": (lambda d: query(d, f"smtp_probes_total{{{CHOSEN}}}"), "is a counter"),
    "a fixed range": (
        lambda d: query(d, f"rate(smtp_probes_total{{{CHOSEN}}}[5m])"), "over 5m"),
    "every job": (lambda d: query(d, 'smtp_target_up{target=~"$target"}'), "of every job"),
    "a choice of many with =": (
        lambda d: query(d, 'smtp_target_up{job=~"$job",target="$target"}'), "needs =~"),
    "a link to no variable": (lambda d: first(d, "stat")["fieldConfig"]["defaults"].update(
        links=[{"title": "x", "url": "${nowhere}/x"}]), "which is not there"),
    "a link to no column": (lambda d: first(d, "table")["fieldConfig"]["defaults"].update(
        links=[{"title": "x", "url": "/x/${__data.fields.Nothing}"}]), "the column Nothing"),
}


def main():
    text = subprocess.run([sys.argv[1], "reference"], check=True, capture_output=True,
                          text=True).stdout
    catalogue = lint.Catalogue(text)
    good = json.loads((GRAFANA / "smtp-overview.json").read_text())
    missed = []
    if len(catalogue.labels) < 40 or len(catalogue.counters) < 4:
        missed.append("the reference was not understood")
    missed += [f"said of a good one: {problem}" for problem in lint.problems(good, catalogue)]
    for name, (spoil, words) in BREAKS.items():
        bad = copy.deepcopy(good)
        spoil(bad)
        if not any(words in problem for problem in lint.problems(bad, catalogue)):
            missed.append(f"not noticed: {name}")
    for problem in missed:
        print(problem)
    print(f"test result: {len(BREAKS) + 2 - len(missed)} passed; {len(missed)} failed")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
