//! A real Prometheus scrapes the exporter for a minute and answers the questions it is there for.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Bed, Exporter, Fake, MAIL_NAME, fresh_directory, http_get, keep, store, wait_for,
};

/// A tool of the unpacked package.
pub(crate) fn tool(name: &str) -> PathBuf {
    store().join("roots/prometheus/usr/bin").join(name)
}

/// A Prometheus that runs. Dropping it ends it.
pub(crate) struct Prometheus {
    address: SocketAddr,
    child: Child,
}

impl Prometheus {
    /// Runs with the configuration that is deployed, but for the address and a shorter interval.
    fn start(test: &str, exporter: SocketAddr) -> Self {
        let deployed = std::fs::read_to_string(
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/prometheus.yml"),
        )
        .unwrap();
        let config = deployed
            .replace("localhost:10057", &exporter.to_string())
            .replace("scrape_interval: 30s", "scrape_interval: 2s");
        // Its alerts would reach nobody.
        let config = config.replace("  - rules/*.yml", "  - no-rules.yml");
        assert!(config.contains("scrape_interval: 2s") && config.contains(&exporter.to_string()));
        Self::start_with(test, &config)
    }

    /// Runs with a configuration of a test of its own and waits until it is ready.
    pub(crate) fn start_with(test: &str, config: &str) -> Self {
        let directory = fresh_directory(&format!("{test}.prometheus"));
        std::fs::write(directory.join("prometheus.yml"), config).unwrap();
        Self::run(&directory)
    }

    /// Runs with the `prometheus.yml` of a directory, and keeps its data and log there.
    pub(crate) fn run(directory: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::create(directory.join("log")).unwrap();
        let child = Command::new(tool("prometheus"))
            .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
            .arg("--rules.alert.resend-delay=1s")
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let prometheus = Self { address, child };
        wait_for(
            Duration::from_secs(30),
            || http_get(address, "/-/ready").ok().filter(|(code, _)| *code == 200),
            || std::fs::read_to_string(directory.join("log")).unwrap_or_default(),
        );
        prometheus
    }

    /// The result of an instant query: each series' labels and its value.
    pub(crate) fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (code, body) =
            http_get(self.address, &format!("/api/v1/query?query={escaped}")).unwrap();
        assert_eq!(code, 200, "{expression}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let rows = answer["data"]["result"].as_array().unwrap();
        rows.iter()
            .map(|row| {
                let value = row["value"][1].as_str().unwrap().parse().unwrap();
                (row["metric"].clone(), value)
            })
            .collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Already ended is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `promtool check` on a file.
pub(crate) fn promtool(what: &str, file: &Path) {
    let checked = Command::new(tool("promtool")).args(["check", what]).arg(file).output().unwrap();
    assert!(checked.status.success(), "{}: {checked:?}", file.display());
}

#[test]
fn the_deployed_configurations_are_good() {
    let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    for name in ["prometheus.yml", "probe.yml"] {
        promtool("config", &deployed.join(name));
    }
}

/// The `.yml` files of a folder of deploy/prometheus.
fn deployed(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus").join(folder);
    let all: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(all.len() >= 6, "{}: {all:?}", folder.display());
    all
}

#[test]
fn the_rules_are_good_and_lint_finds_nothing() {
    for file in deployed("rules") {
        let checked = Command::new(tool("promtool"))
            .args(["check", "rules", "--lint=all", "--lint-fatal"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{}: {checked:?}", file.display());
    }
}

#[test]
fn the_rules_do_what_their_tests_say() {
    let files = deployed("tests");
    let tested =
        Command::new(tool("promtool")).args(["test", "rules"]).args(&files).output().unwrap();
    let said = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(tested.status.success(), "{said}{}", String::from_utf8_lossy(&tested.stderr));
    assert_eq!(said.matches("SUCCESS").count(), files.len(), "{said}");
    // Each alert is seen to fire in one of them.
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for file in deployed("rules") {
        let rules = std::fs::read_to_string(&file).unwrap();
        for name in rules.split("- alert: ").skip(1).map(|rest| rest.lines().next().unwrap()) {
            let firing = |line: &str| {
                line.contains(&format!("alertname=\"{name}\"")) && line.contains("\"firing\"")
            };
            assert!(text.lines().any(firing), "{name} fires in no test");
        }
    }
}

/// To be quick, a test loads only the rules that its series can set off. No other rule may read one of
/// them, or fire because something is not there: what is expected are all alerts, whoever makes them.
#[test]
fn the_rule_tests_leave_out_only_what_they_cannot_set_off() {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_:".contains(c);
    let rules: Vec<(PathBuf, String)> = deployed("rules")
        .into_iter()
        .map(|file| (file.clone(), std::fs::read_to_string(file).unwrap()))
        .collect();
    for test in deployed("tests") {
        let text = std::fs::read_to_string(&test).unwrap();
        let (loaded, left): (Vec<_>, Vec<_>) = rules.iter().partition(|(file, _)| {
            let name = file.file_name().unwrap().to_str().unwrap();
            text.lines().any(|line| line == format!("  - ../rules/{name}"))
        });
        let series = text.split("- series: '").skip(1);
        let recorded = loaded.iter().flat_map(|(_, rules)| rules.split("- record: ").skip(1));
        let made: BTreeSet<&str> =
            series.chain(recorded).filter_map(|rest| rest.split(|c| !is_name(c)).next()).collect();
        assert!(!loaded.is_empty() && made.contains("up"), "{}: {made:?}", test.display());
        for (file, rules) in left {
            let lines = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
            let lines: Vec<&str> = lines.collect();
            // "up" is a word of the texts, too.
            let reads = |name: &str| match name {
                "up" => lines.iter().any(|line| line.contains("up{")),
                _ => lines.iter().any(|line| line.split(|c| !is_name(c)).any(|word| word == name)),
            };
            let read: Vec<_> = made.iter().filter(|name| reads(name)).collect();
            assert!(read.is_empty(), "{} lacks {}: {read:?}", test.display(), file.display());
            let absent = lines.iter().any(|line| line.contains("absent"));
            assert!(!absent, "{} lacks {}", test.display(), file.display());
        }
    }
}

#[test]
fn the_queries_of_the_readme_parse() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let mut rules = "groups:\n- name: readme\n  rules:\n".to_owned();
    let mut queries = 0;
    for part in text.split("```promql\n").skip(1) {
        let query: String =
            part.split("```").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        rules.push_str(&format!("  - record: query_{queries}\n    expr: >-\n      {query}\n"));
        queries += 1;
    }
    assert!(queries >= 3, "{queries}");
    let file = fresh_directory("readme").join("rules.yml");
    std::fs::write(&file, rules).unwrap();
    promtool("rules", &file);
}

#[test]
fn the_queries_of_the_runbooks_parse() {
    let (mut rules, mut queries) = ("groups:\n- name: runbooks\n  rules:\n".to_owned(), 0);
    for (_, text) in smtp_exporter::web::RUNBOOKS {
        let commands =
            ["curl", "smtp_exporter ", "openssl", "dig", "df", "systemctl", "journalctl"];
        let foreign = |line: &str| commands.iter().any(|command| line.starts_with(command));
        let block = text.split("```").nth(1).unwrap();
        for query in block.lines().skip(1).filter(|line| line.contains("smtp") && !foreign(line)) {
            rules.push_str(&format!("  - record: query_{queries}\n    expr: >-\n      {query}\n"));
            queries += 1;
        }
    }
    assert!(queries > 80, "{queries}");
    let file = fresh_directory("runbooks").join("rules.yml");
    std::fs::write(&file, rules).unwrap();
    promtool("rules", &file);
}

#[test]
fn a_minute_under_prometheus() {
    let postfix = Bed::of("postfix").start("scraped", &[25, 465]);
    let mut killed = Bed::of("exim").start("scraped", &[25]);
    let (reset, mute) = (Fake::reset_in_reply(), Fake::mute_after_greeting());
    let exporter = Exporter::start(
        "scraped",
        &format!(
            "modules:
  plain: {{port: 25, tls: none, timeouts: {{connect: 2s, greeting: 2s, reply: 2s, total: 8s}}}}
  starttls: {{port: 25, tls: required, tls_server_name: {MAIL_NAME}}}
  implicit: {{port: 465, tls: implicit, tls_server_name: {MAIL_NAME}}}
  relay_check:
    mail: {{from: probe@example.net, to: nobody@example.org}}
    expect: {{phase: rcpt, codes: [550, 551, 553, 554]}}
targets:
  - {{name: good, host: {}, modules: [plain, starttls, implicit, relay_check], interval: 4s, labels: {{team: mail}}}}
  - {{name: killed, host: {}, module: plain, interval: 2s}}
  - {{name: reset, host: {}, module: plain, interval: 2s}}
  - {{name: mute, host: {}, module: plain, interval: 2s}}
",
            postfix.address, killed.address, reset.address, mute.address
        ),
    );
    let prometheus = Prometheus::start("scraped", exporter.address);
    exporter.until_successes("killed", "plain", 1);
    std::thread::sleep(Duration::from_secs(15));
    killed.kill();
    std::thread::sleep(Duration::from_secs(45));

    // Every scrape of the minute went well.
    let minute = prometheus.query("count_over_time(up[1m])");
    assert_eq!(minute.len(), 1, "{minute:?}");
    assert!(minute[0].1 >= 25.0, "{minute:?}");
    assert_eq!(prometheus.query("min_over_time(up[1m])")[0].1, 1.0);
    let (_, targets) = http_get(prometheus.address, "/api/v1/targets").unwrap();
    let targets: Value = serde_json::from_str(&targets).unwrap();
    let active = &targets["data"]["activeTargets"][0];
    assert_eq!((active["health"].as_str(), active["lastError"].as_str()), (Some("up"), Some("")));
    // Prometheus took every sample: none was a duplicate, out of order or out of bounds.
    let refused = "sum({__name__=~\"prometheus_target_scrapes_.*(exceeded|duplicate|out_of).*\"})";
    assert!(prometheus.query(refused).iter().all(|(_, count)| *count == 0.0));
    let scraped = prometheus.query("scrape_samples_scraped")[0].1;
    assert_eq!(prometheus.query("scrape_samples_post_metric_relabeling")[0].1, scraped);

    // Up and down, and why.
    let up =
        |target: &str| prometheus.query(&format!("min(smtp_target_up{{target=\"{target}\"}})"));
    assert_eq!(up("good")[0].1, 1.0);
    for (target, phase, cause) in [
        ("killed", "connect", "connect_refused"),
        ("reset", "ehlo", "connection_dropped"),
        ("mute", "ehlo", "reply_timeout"),
    ] {
        assert_eq!(up(target)[0].1, 0.0, "{target}");
        let why = prometheus.query(&format!("smtp_target_failure{{target=\"{target}\"}} == 1"));
        assert_eq!(why.len(), 1, "{why:?}");
        assert_eq!(
            (why[0].0["phase"].as_str(), why[0].0["cause"].as_str()),
            (Some(phase), Some(cause))
        );
    }
    assert!(prometheus.query("smtp_target_failure{target=\"good\"}").is_empty());
    assert_eq!(prometheus.query("smtp_target_expectation_met{team=\"mail\"}")[0].1, 1.0);
    // What an SLO and a dashboard ask.
    let rate = "sum(rate(smtp_probes_total{target=\"good\",result=\"success\"}[30s]))";
    assert!((0.5..1.5).contains(&prometheus.query(rate)[0].1), "{:?}", prometheus.query(rate));
    let p99 = "histogram_quantile(0.99, sum by (le) (rate(smtp_handshake_duration_seconds_bucket{target=\"good\"}[30s])))";
    assert!((0.0..5.0).contains(&prometheus.query(p99)[0].1), "{:?}", prometheus.query(p99));

    // The exposition itself, with all of that in it.
    let text = exporter.page("/metrics");
    keep("metrics.txt", &text);
    let mut promtool = Command::new(tool("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
    assert!(checked.status.success() && said.is_empty(), "{}: {said}", checked.status);
    exporter.stop();
}
