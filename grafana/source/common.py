"""What the four dashboards share: panels as Grafana's classic schema wants them, colours, words."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# A colour means one thing on every dashboard: red nobody answers, orange we are refused, blue we
# were asked to wait, purple a test of ours is not met, grey nothing can be said, green well.
GREEN, RED, ORANGE, YELLOW = "green", "red", "orange", "dark-yellow"
BLUE, PURPLE, GREY, PLAIN = "blue", "purple", "#8e8e8e", "text"

# The alerts' thresholds, in days and as shares.
CERTIFICATE_WARNING, CERTIFICATE_CRITICAL = 21, 3
DAYS = "suffix: d"
AVAILABILITY_GOAL, AVAILABILITY_POOR = 0.999, 0.99

PHASES = ("resolve connect tls_implicit greeting ehlo starttls tls ehlo_tls auth mail rcpt rset "
          "quit").split()


def target(expr, ref="A", legend=None, table=False, instant=None, **more):
    """A query. Tables and single figures ask for the end of the range only."""
    instant = table if instant is None else instant
    made = {
        "datasource": DATASOURCE,
        "refId": ref,
        "editorMode": "code",
        "expr": re.sub(r"\s+", " ", expr).replace("( ", "(").replace(" )", ")").strip(),
        "format": "table" if table else "time_series",
        "instant": instant,
        "range": not instant,
    }
    if legend is not None:
        made["legendFormat"] = legend
    return made | more


def queries(expressions, **more):
    """Queries A, B, C, … of one panel."""
    return [target(expr, chr(65 + at), **more) for at, expr in enumerate(expressions)]


def steps(first, *others):
    """Thresholds: the colour of everything below, then (from, colour)."""
    made = [{"color": first, "value": None}]
    made += [{"color": colour, "value": value} for value, colour in others]
    return {"mode": "absolute", "steps": made}


def names(table):
    """Value mappings {value: (text, colour or None)}."""
    options = {}
    for index, (value, (text, colour)) in enumerate(table.items()):
        options[str(value)] = {"text": text, "index": index}
        if colour:
            options[str(value)]["color"] = colour
    return [{"type": "value", "options": options}]


def override(field, _by="byName", **properties):
    """Properties of one field; `custom__width` is `custom.width`."""
    return {
        "matcher": {"id": _by, "options": field},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def fixed(field, colour, _by="byName", **more):
    return override(field, _by, color={"mode": "fixed", "fixedColor": colour}, **more)


def panel(kind, title, description, size, targets, defaults, options, overrides=(), **more):
    """A panel without a place and a number: `layout` gives them. `size` is (width, height)."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    } | more


def stat(title, description, size, targets, *, unit="none", decimals=None, no_value="no data",
         thresholds=None, mappings=None, background=True, text="auto", overrides=(), links=None,
         graph="none", calc="lastNotNull", size_of_text=32):
    defaults = {
        "unit": unit,
        "noValue": no_value,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds or steps("transparent" if background else PLAIN),
        "mappings": mappings or [],
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    if links:
        defaults["links"] = links
    options = {
        "colorMode": "background_solid" if background else "value",
        "graphMode": graph,
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": text,
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": [calc], "fields": "", "values": False},
    }
    options["text"] = {"titleSize": 14, "valueSize": size_of_text}
    return panel("stat", title, description, size, targets, defaults, options, overrides)


def lines(title, description, size, targets, *, unit="short", decimals=None, no_value="no data",
          thresholds=None, overrides=(), stack=False, bars=False, fill=0, low=0, high=None,
          legend="list", calcs=(), colour="palette-classic", links=None, soft_max=None,
          interpolation="linear", side="bottom", interval=None):
    custom = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": interpolation,
        "lineWidth": 0 if bars else 1,
        "fillOpacity": 80 if bars else fill,
        "gradientMode": "none",
        "showPoints": "never",
        "pointSize": 4,
        # Longer than the longest interval of a target: a line is not a row of dots.
        "spanNulls": 3_600_000,
        "axisPlacement": "auto",
        "axisLabel": "",
        "axisColorMode": "text",
        "scaleDistribution": {"type": "linear"},
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if thresholds else "off"},
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
    }
    if soft_max is not None:
        custom["axisSoftMax"] = soft_max
    defaults = {
        "unit": unit,
        "noValue": no_value,
        "min": low,
        "color": colour if isinstance(colour, dict) else {"mode": colour},
        "thresholds": thresholds or steps(GREEN),
        "mappings": [],
        "custom": custom,
    }
    if high is not None:
        defaults["max"] = high
    if decimals is not None:
        defaults["decimals"] = decimals
    if links:
        defaults["links"] = links
    options = {
        "legend": {"showLegend": True, "displayMode": legend, "placement": side,
                   "calcs": list(calcs)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    more = {"interval": interval} if interval else {}
    return panel("timeseries", title, description, size, targets, defaults, options, overrides,
                 **more)


def lanes(title, description, size, targets, mappings, *, no_value, links=None):
    """A state timeline."""
    defaults = {
        "unit": "none",
        "noValue": no_value,
        "color": {"mode": "thresholds"},
        "thresholds": steps(GREY),
        "mappings": mappings,
        "custom": {
            "fillOpacity": 80,
            "lineWidth": 0,
            "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        },
    }
    if links:
        defaults["links"] = links
    options = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("state-timeline", title, description, size, targets, defaults, options)


def table(title, description, size, targets, columns, *, no_value, sort=None, extra=(),
          keep=None, steps_before=(), height="sm"):
    """A table. `columns` is {field: (heading, {property: value})} in the order shown; fields that
    are not named are not shown. Rows without the field `keep` are left out."""
    transformations = list(steps_before) or [{"id": "merge", "options": {}}]
    if keep:
        transformations.append({
            "id": "filterByValue",
            "options": {
                "type": "include",
                "match": "all",
                "filters": [{"fieldName": keep, "config": {"id": "isNotNull", "options": {}}}],
            },
        })
    transformations.append({
        "id": "organize",
        "options": {
            "excludeByName": {name: True for name in ("Time", "__name__", *extra)},
            "indexByName": {field: at for at, field in enumerate(columns)},
            "renameByName": {field: heading for field, (heading, _) in columns.items()},
        },
    })
    defaults = {
        "noValue": no_value,
        "color": {"mode": "thresholds"},
        "thresholds": steps(PLAIN),
        "mappings": [],
        "custom": {"align": "left", "filterable": False, "inspect": False,
                   "cellOptions": {"type": "auto"}},
    }
    # What the whole table says when it is empty is nothing for a single cell to say.
    overrides = [override(heading, **({"noValue": "–"} | looks))
                 for heading, looks in columns.values()]
    options = {
        "showHeader": True,
        "cellHeight": height,
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
        "sortBy": [{"displayName": name, "desc": desc} for name, desc in (sort or ())],
    }
    return panel("table", title, description, size, targets, defaults, options, overrides,
                 transformations=transformations)


def coloured(mappings, width=None):
    """A column whose cells are filled with the colour of their value."""
    looks = {"mappings": mappings,
             "custom__cellOptions": {"type": "color-background", "mode": "basic"}}
    return looks | ({"custom__width": width} if width else {})


def when(width=145, missing="never"):
    """A column of times, in milliseconds."""
    return {"unit": "dateTimeFromNow", "noValue": missing, "custom__width": width}


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"w": 24, "h": 1}}


def layout(panels):
    """Fills the 24 columns from left to right and top to bottom, and numbers the panels. A panel
    whose width is too much for the line begins the next one."""
    x = y = tallest = 0
    for number, made in enumerate(panels, 1):
        grid = made["gridPos"]
        if x + grid["w"] > 24:
            x, y, tallest = 0, y + tallest, 0
        made["gridPos"] = {"x": x, "y": y, "w": grid["w"], "h": grid["h"]}
        x, tallest = x + grid["w"], max(tallest, grid["h"])
        made["id"] = number
    return panels


def query_variable(name, label, query, *, single=False):
    made = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "StandardVariableQuery"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "regex": "",
        "hide": 0,
        "options": [],
    }
    if single:
        return made | {"multi": False, "includeAll": False, "current": {}}
    return made | {"multi": True, "includeAll": True, "allValue": ".+",
                   "current": {"text": ["All"], "value": ["$__all"]}}


EXPORTER_URL = {
    "name": "exporter",
    "label": "Exporter's URL",
    "type": "textbox",
    "query": "http://localhost:10057",
    "current": {"text": "http://localhost:10057", "value": "http://localhost:10057"},
    "hide": 0,
    "options": [],
}
PROMETHEUS = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
    "regex": "",
    "hide": 0,
    "multi": False,
    "includeAll": False,
    "current": {},
    "options": [],
}


def open_link(title, url):
    return {"title": title, "url": url, "targetBlank": False}


def dashboard(uid, title, description, tags, variables, panels, *, alerts, links=(), refresh="1m"):
    """A whole dashboard. `alerts` selects the alerts that are marked in its graphs."""
    dropdown = {"title": "SMTP dashboards", "type": "dashboards", "tags": ["smtp_exporter"],
                "asDropdown": True, "includeVars": True, "keepTime": True, "targetBlank": False,
                "icon": "external link", "tooltip": "", "url": ""}
    outside = [{"title": name, "type": "link", "url": url, "tooltip": tooltip, "icon": "doc",
                "tags": [], "asDropdown": False, "includeVars": False, "keepTime": False,
                "targetBlank": True} for name, url, tooltip in links]
    marks = {
        "name": "Alerts",
        "enable": True,
        "hide": False,
        "iconColor": RED,
        "datasource": DATASOURCE,
        "expr": f'ALERTS{{alertname=~"Smtp.+",alertstate="firing"{alerts}}}',
        "step": "60s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{target}} {{module}} {{severity}}",
        "tagKeys": "severity",
    }
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["smtp_exporter", *tags],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": refresh,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "annotations": {"list": [marks]},
        "links": [dropdown, *outside],
        "templating": {"list": [PROMETHEUS, *variables]},
        "panels": layout(panels),
    }


def causes():
    """{cause: (usual blame, what to do)}, as the README's table of causes has it."""
    text = (HERE.parent.parent / "README.md").read_text()
    rows = text.split("<!-- begin causes", 1)[1].split("<!-- end causes", 1)[0].splitlines()
    found = {}
    for line in rows:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0].startswith("`"):
            found[cells[0].strip("`")] = (cells[1].strip("`"), cells[3])
    return found
