"""model.py: reads every dashboard into Grafana's typed model (grafana-foundation-sdk) and writes it
out again. A key that does not come back is one that Grafana does not know: a misspelt one."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

# What the model leaves out and is right: a key of Grafana's editor, and those that only marks of a
# Prometheus data source have.
EDITORS = {"definition", "step", "titleFormat", "textFormat", "tagKeys"}


def lost(before, after, path):
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{path}/{key}")
            elif key not in EDITORS:
                yield f"{path}/{key}: not known"
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path}: {len(before)} entries became {len(after)}"
        for at, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{path}/{at}")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


def main():
    plugins.register_default_plugins()
    good = bad = 0
    for path in sorted((Path(__file__).resolve().parents[2] / "grafana").glob("*.json")):
        before = json.loads(path.read_text())
        after = json.loads(json.dumps(Dashboard.from_json(before), cls=JSONEncoder))
        wrong = list(lost(before, after, path.name))
        for problem in wrong:
            print(problem)
        good, bad = good + (not wrong), bad + bool(wrong)
    # A misspelt key must be found, or this test finds nothing.
    spoilt = {"title": "x", "panels": [], "editabel": False}
    blind = not list(lost(spoilt, json.loads(json.dumps(
        Dashboard.from_json(spoilt), cls=JSONEncoder)), "spoilt"))
    if blind:
        print("a misspelt key is not found")
    print(f"test result: {good} passed; {bad + blind} failed")
    return bad + blind > 0


if __name__ == "__main__":
    sys.exit(main())
