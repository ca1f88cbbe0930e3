"""The Helm chart as Helm renders it, and what Kubernetes' own schemas say of that.

    chart.py CHART MANIFESTS...

Helm is its own library here (PyPI: helm-python-sdk), the schemas are those of the API server
(PyPI: kubernetes-validate). Objects of the Prometheus operator have no schema there; of them the
shape that its documentation states is looked at. Exits with 1 after telling all that is wrong.
"""

import pathlib
import sys

import helm_python as helm
import kubernetes_validate
import yaml

EVERYTHING = {
    "existingSecret": "smtp",
    "extraArgs": ["--log.format=json"],
    "persistence": {"enabled": True, "storageClass": "fast"},
    "networkPolicy": {"enabled": True},
    "serviceMonitor": {"enabled": True, "endpoint": {"basicAuth": {"username": {"name": "s", "key": "u"}}}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True},
    "config": {
        "exporter": {"helo": "probe.example.net", "own": ["example.net"]},
        "targets": [{"host": "mx1.example.net"}, {"domain": "example.net"}],
    },
}
PROBE = {"probe": {"enabled": True, "targets": ["mx1", "domain:example.org"]}}

# What must be refused, and a word of the reason.
REFUSED = [
    ({"shards": 0}, "shards"),
    ({"shards": "3"}, "shards"),
    ({"shard": 3}, "shard"),
    ({"scheme": "ftp"}, "scheme"),
    ({"image": {"digest": "latest"}}, "digest"),
    ({"service": {"port": 70000}}, "port"),
    ({"probe": {"enabled": True}}, "targets"),
    ({"probe": {"enabled": True, "targets": ["a"]}, "shards": 2}, "shards: 1"),
    ({"networkPolicy": {"ports": ["smtp"]}}, "ports"),
]
VERSIONS = ["1.28", "1.37"]
wrong = []


def expect(condition, what):
    if not condition:
        wrong.append(what)


def objects(text):
    return [found for found in yaml.safe_load_all(text) if found]


def render(chart, values):
    # One document a file: Helm gives them by template.
    manifests = chart.render(values, name="mail", namespace="monitoring")
    return [o for path, text in sorted(manifests.items()) if path.endswith(".yaml") for o in objects(text)]


def judge(found, where):
    kind = found.get("kind")
    name = found.get("metadata", {}).get("name", "")
    what = f"{where}: {kind}/{name}"
    expect(0 < len(name) <= 63, f"{what}: the name has {len(name)} bytes")
    if found["apiVersion"].startswith("monitoring.coreos.com/"):
        operators(found, what)
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong.append(f"{what} for {version}: {error}")


def operators(found, what):
    """api-reference/api.md of the Prometheus operator, as far as it is used."""
    spec = found["spec"]
    if found["kind"] == "ServiceMonitor":
        expect(spec["selector"]["matchLabels"], f"{what}: selects everything")
        expect(all(e["port"] == "http" for e in spec["endpoints"]), f"{what}: another port")
        jobs = [r["replacement"] for e in spec["endpoints"] for r in e["relabelings"] if r["targetLabel"] == "job"]
        expect(jobs == ["smtp"], f"{what}: the rules know another job than {jobs}")
    elif found["kind"] == "Probe":
        expect(spec["jobName"] == "smtp_probe", f"{what}: the rules know another job")
        expect("://" not in spec["prober"]["url"], f"{what}: prober.url takes host:port alone")
        expect(spec["prober"]["path"] == "/probe", f"{what}: another path")
        expect(spec["targets"]["staticConfig"]["static"], f"{what}: no targets")
    elif found["kind"] == "PrometheusRule":
        names = [group["name"] for group in spec["groups"] or []]
        expect(len(names) == len(set(names)), f"{what}: a group twice: {names}")
        rules = [rule for group in spec["groups"] or [] for rule in group["rules"]]
        expect(all("expr" in rule and ("alert" in rule or "record" in rule) for rule in rules), f"{what}: not rules")
    else:
        wrong.append(f"{what}: no such kind")


def kinds(rendered):
    return sorted(o["kind"] for o in rendered)


def main(folder, manifests):
    for path in manifests:
        for found in objects(pathlib.Path(path).read_text()):
            if found["kind"] != "Kustomization":
                judge(found, path)
    findings = helm.lint(folder)
    # 1 is information, such as a picture that there is none of.
    grave = [found for found in findings["messages"] if found["severity"] > 1]
    expect(not findings["errors"] and not grave, f"lint: {findings}")
    with helm.Chart.load(folder) as chart:
        few = render(chart, {})
        expect(kinds(few) == ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"], f"least: {kinds(few)}")
        one = render(chart, EVERYTHING | PROBE)
        many = render(chart, EVERYTHING | {"shards": 3})
        https = render(chart, {"scheme": "HTTPS", "serviceMonitor": {"enabled": True}})
        for where, rendered in [("least", few), ("all", one), ("shards", many), ("https", https)]:
            for found in rendered:
                judge(found, where)
        workload = next(o for o in many if o["kind"] == "StatefulSet")
        args = workload["spec"]["template"]["spec"]["containers"][0]["args"]
        expect("--shard=auto/3" in args and workload["spec"]["replicas"] == 3, f"shards: {args}")
        expect("Deployment" not in kinds(many) and "PersistentVolumeClaim" not in kinds(many), f"shards: {kinds(many)}")
        expect("StatefulSet" not in kinds(one) and "PersistentVolumeClaim" in kinds(one), f"all: {kinds(one)}")
        monitor = next(o for o in https if o["kind"] == "ServiceMonitor")
        expect(monitor["spec"]["endpoints"][0].get("scheme") == "https", "https: not scraped so")
        # Every rule and every dashboard that the chart carries is there.
        files = pathlib.Path(folder, "files")
        groups = [g["name"] for f in sorted(files.glob("rules/*.yml")) for g in yaml.safe_load(f.read_text())["groups"]]
        rule = next(o for o in one if o["kind"] == "PrometheusRule")
        expect([g["name"] for g in rule["spec"]["groups"] or []] == groups, f"rules: {groups}")
        boards = {f.name: f.read_text().rstrip() for f in files.glob("dashboards/*.json")}
        shown = {k: v.rstrip() for o in one if "grafana_dashboard" in o["metadata"].get("labels", {}) for k, v in o["data"].items()}
        expect(boards == shown, f"dashboards: {sorted(boards)}, shown {sorted(shown)}")
        for values, word in REFUSED:
            try:
                render(chart, values)
                wrong.append(f"{values} was let through")
            except helm.HelmError as error:
                expect(word in str(error), f"{values}: {error}")
        configuration = next(o for o in one if o["kind"] == "ConfigMap" and "smtp_exporter.yml" in o["data"])
        print(configuration["data"]["smtp_exporter.yml"])
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"Helm {helm.helm_sdk_version()}, schemas of Kubernetes {', '.join(VERSIONS)}: {len(wrong)} problems", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
