//! Rules of one's own, from the configuration to the metrics, over a reload, and to `explain`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use smtp_exporter::cause::{Cause, Context, Family, Permanence, Rules, UserRule, unwrap};
use smtp_exporter::config;

#[test]
fn a_rule_of_the_configuration_reaches_the_metrics_and_a_reload_changes_it() {
    let server = refuse_everybody("421 4.7.0 The purple quota is used up");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_exporter.yml");
    // Neither cause asks to stay away, so that the next round is not far.
    std::fs::write(&file, with_rule(server, "storage_full", "local.purple")).unwrap();
    let exporter = Exporter::start(&file);
    let failed = |cause: &str| {
        format!(
            "smtp_probe_failure{{target=\"mx\",module=\"smtp\",endpoint=\"{server}\",\
             address=\"127.0.0.1\",phase=\"greeting\",cause=\"{cause}\",blame=\"path\"}} 1\n"
        )
    };
    exporter.until("/metrics", &failed("storage_full"));
    exporter.until("/metrics", "code=\"421\",cause=\"storage_full\"}");
    let api: serde_json::Value = serde_json::from_str(&exporter.page("/api/v1/targets")).unwrap();
    let failure = &api["data"]["targets"][0]["failure"];
    assert_eq!(failure["rule"], "local.purple");
    assert_eq!(failure["confidence"], "user");
    assert_eq!(failure["permanence"], "permanent_in_disguise");
    assert_eq!(failure["doc"], "https://wiki.example.net/purple");
    assert!(failure["action"].as_str().unwrap().len() > 20);
    let line = "storage_full in greeting, blame path, rule local.purple, permanent_in_disguise\n";
    for page in ["/logs?target=mx", "/probe?target=mx&debug=true"] {
        assert!(exporter.page(page).contains(line), "{page}\n{}", exporter.page(page));
    }
    let landing = exporter.page("/");
    for part in ["href=\"https://wiki.example.net/purple\"", "make room"] {
        assert!(landing.contains(part), "{part}\n{landing}");
    }
    let page = exporter.page("/targets/mx");
    assert!(page.contains("Rule <code>local.purple</code>"), "{page}");
    assert!(exporter.page("/config").contains("id: local.purple"));

    // One that cannot be reached is refused, and the one in force stays.
    let bad =
        with_rule(server, "greylisted", "local.purple").replace("[purple quota]", "[red quota]");
    std::fs::write(&file, &bad).unwrap();
    let refused = exporter.ask("POST", "/-/reload");
    assert!(refused.contains("does not hold for its own example"), "{refused}");
    assert!(exporter.page("/config").contains("cause: storage_full"));

    std::fs::write(&file, with_rule(server, "greylisted", "local.other")).unwrap();
    exporter.ask("POST", "/-/reload");
    exporter.until("/metrics", &failed("greylisted"));
    exporter.until("/logs?target=mx", "rule local.other");
    assert!(!exporter.page("/metrics").contains(&failed("storage_full")));
}

#[test]
fn a_probe_says_rule_confidence_and_page() {
    let server = refuse_everybody("421 4.7.0 The purple quota is used up");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_exporter.yml");
    std::fs::write(&file, with_rule(server, "storage_full", "local.purple")).unwrap();
    let probe = |format: &str| run(&file, &["probe", "mx", "--format", format], b"");
    let (text, json) = (probe("text"), probe("json"));
    assert_eq!((text.status.code(), json.status.code()), (Some(1), Some(1)));
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        "storage_full in phase greeting",
        "confidence  high: a rule of your configuration (rule local.purple)",
        "lasts       permanent in disguise",
        "read more   https://wiki.example.net/purple",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let failure = &json["endpoints"][0]["failure"];
    assert_eq!(failure["confidence"], "user");
    assert_eq!(failure["doc"], "https://wiki.example.net/purple");
    assert_eq!(failure["wait"], serde_json::Value::Null, "waiting does not mend what lasts");
}

#[test]
fn explain_goes_by_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_exporter.yml");
    let server = "127.0.0.1:25".parse().unwrap();
    std::fs::write(&file, with_rule(server, "storage_full", "local.purple")).unwrap();
    let line = "Nov 22 03:00:00 mx postfix/smtp[9]: 4AB: to=<a@example.net>, status=deferred (host \
                mx.example.net[192.0.2.1] refused to talk to me: 421 4.7.0 The purple quota is used up)";
    let told = run(&file, &["explain", line], b"");
    assert_eq!(told.status.code(), Some(0));
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.starts_with("cause       storage_full\n"), "{text}");
    assert!(text.contains("confidence  high: a rule of your configuration (rule local.purple)"));
    assert!(text.contains("reply       421 4.7.0 The purple quota is used up\n"), "{text}");

    // The file of the working directory is read without being named.
    let told = Command::new(BINARY)
        .current_dir(folder.path())
        .args(["explain", "--format=json", "421 The purple quota is used up"])
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&json["cause"], &json["confidence"]), (&"storage_full".into(), &"user".into()));
    assert_eq!(json["doc"], "https://wiki.example.net/purple");

    std::fs::write(&file, "cause_rules: [{id: a, cause: nonsense, example: 450 x}]\n").unwrap();
    let refused = run(&file, &["explain", "450 x"], b"");
    assert_eq!(refused.status.code(), Some(64));
    assert!(refused.stdout.is_empty());
    let problems = String::from_utf8(refused.stderr).unwrap();
    assert!(
        problems.contains(".yml:1:30: cause_rules[0].cause: `nonsense` is unknown"),
        "{problems}"
    );
    assert_eq!(run(Path::new("no/such/file"), &["explain", "450 x"], b"").status.code(), Some(64));
    let wrong = run(&file, &["explain", "--format", "xml", "450 x"], b"");
    assert_eq!(wrong.status.code(), Some(64));
}

/// `cause<TAB>rule<TAB>line`: one row per line of input, in order, whatever the lines hold.
#[test]
fn rows_are_as_many_as_lines_and_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smtp_exporter.yml");
    std::fs::write(&file, "").unwrap();
    let long = format!("550 5.1.1 {}", "x".repeat((1 << 16) - 10));
    assert_eq!(long.len(), 1 << 16);
    let longer = format!("{long}{long}");
    let lines: [&[u8]; 9] = [
        b"550 5.1.1 User unknown",
        b"",
        b"   ",
        b"\t\t",
        long.as_bytes(),
        longer.as_bytes(),
        b"\xff\xfe 421 \x00\x1b[31m",
        b"450 4.2.0 Greylisted\r",
        b"451 the last one has no line end",
    ];
    let told = run(&file, &["explain", "--format", "tsv"], &lines.join(&b'\n'));
    assert_eq!(told.status.code(), Some(0));
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.ends_with('\n'));
    let rows: Vec<Vec<&str>> =
        text.split_terminator('\n').map(|r| r.split('\t').collect()).collect();
    assert_eq!(rows.len(), lines.len());
    assert!(
        rows.iter().all(|row| row.len() == 3 && Cause::from_name(row[0]).is_some()),
        "{rows:?}"
    );
    assert_eq!(
        rows[0],
        ["mailbox_unavailable", "sendmail.recipient.unknown", "550 5.1.1 User unknown"]
    );
    assert_eq!(rows[1], ["unknown", "unknown", ""]);
    assert_eq!(rows[2], ["unknown", "unknown", "   "]);
    assert_eq!(rows[3], ["unknown", "unknown", "  "]);
    assert_eq!((rows[4][0], rows[4][2]), ("mailbox_unavailable", long.as_str()));
    assert_eq!(rows[5][2], long, "beyond 64 KiB a line is cut");
    assert_eq!((rows[7][0], rows[7][2]), ("greylisted", "450 4.2.0 Greylisted"));
    assert_eq!(rows[8][2], "451 the last one has no line end");
    assert!(run(&file, &["explain", "--format", "tsv"], b"").stdout.is_empty());

    let json = run(&file, &["explain", "--format", "json"], &lines.join(&b'\n'));
    let json = String::from_utf8(json.stdout).unwrap();
    assert_eq!(json.lines().count(), lines.len());
    assert!(json.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));

    let text = run(&file, &["explain"], b"550 5.1.1 User unknown\n\ngood morning\n");
    let text = String::from_utf8(text.stdout).unwrap();
    assert_eq!(text.matches("cause  ").count(), 2, "{text}");
    assert!(text.contains("\n\ncause       none found"), "{text}");
}

/// A person at a pipe gets each answer before the next line is written.
#[test]
fn each_answer_comes_before_the_next_question() {
    let mut child = Command::new(BINARY)
        .args(["explain", "--format", "tsv"])
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for line in ["450 4.2.0 Greylisted", "nothing"] {
        writeln!(input, "{line}").unwrap();
        let mut row = String::new();
        output.read_line(&mut row).unwrap();
        assert!(row.ends_with(&format!("\t{line}\n")), "{row}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// The rules of the reference load as they stand there, and win what they are said to.
#[test]
fn the_references_example_is_good() {
    let text = config::markdown();
    let (_, yaml) = text.split_once("```yaml\n").unwrap();
    let (yaml, _) = yaml.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.yml");
    std::fs::write(&file, yaml).unwrap();
    let config = config::load(Some(&file), &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    let rules = &config.policy.rules;
    assert_eq!(rules.user().len(), 3);
    let said = |line: &str| {
        let found = unwrap::unwrap(line).unwrap();
        rules.judge(found.context(), &found.reply)
    };
    let quota = said("450 Your Allowance for today was\u{a0}EXHAUSTED.");
    assert_eq!((quota.cause, &*quota.rule), (Cause::RateLimited, "local.quota"));
    assert_ne!(said("450 No tokens left, login again").rule, "local.quota");
    assert_ne!(said("550 The quota of this pool is used up").rule, "local.quota");
    assert_eq!(said("554 5.7.705 E17").rule, "local.opaque");
    assert_ne!(said("554 5.7.711 E17").rule, "local.opaque");
    // A rule with phases wants to know what was answered.
    assert_ne!(said("421 Maintenance").rule, "local.maintenance");
    let greeted = said("refused to talk to me: 421 Maintenance");
    assert_eq!((&*greeted.rule, greeted.permanence), ("local.maintenance", Permanence::Transient));
    assert_eq!(rules.family("local.maintenance"), Family::User);
    assert_eq!(rules.doc("local.maintenance"), Some("https://wiki.example.net/mail/maintenance"));

    // What makes a reload take over changed rules.
    assert_eq!(**rules, *config::load(Some(&file), &Default::default()).unwrap().policy.rules);
    std::fs::write(&file, yaml.replace("7.700-710", "7.700-711")).unwrap();
    assert_ne!(**rules, *config::load(Some(&file), &Default::default()).unwrap().policy.rules);
}

#[test]
fn many_and_large_rules_are_bounded() {
    let rule = |n: usize, text: &str| {
        format!("- {{id: r{n}, cause: unknown, text: [w{n}, '{text}'], example: 450 w{n}}}\n")
    };
    let load = |count: usize, text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yml");
        let rules: String = (0..count).map(|n| rule(n, text)).collect();
        std::fs::write(&file, format!("cause_rules:\n{rules}")).unwrap();
        config::load(Some(&file), &Default::default()).map_err(|error| error.to_string())
    };
    assert_eq!(load(1000, "fine").unwrap().policy.rules.user().len(), 1000);
    let many = load(1001, "fine").unwrap_err();
    assert!(many.ends_with("one rule too many; 1000 are asked at most"), "{many}");
    let wide =
        load(60, "(a|b|c|d|e|f|g|h|i|j) (a|b|c|d|e|f|g|h|i|j) (a|b|c|d|e|f|g|h|i|j)").unwrap_err();
    assert!(wide.contains("there are more than 50000 in all"), "{wide}");
    assert_eq!(wide.lines().count(), 1);
    let deep = load(1, &"(".repeat(500)).unwrap_err();
    assert!(deep.contains("a bracket is not closed"), "{deep}");
    assert!(load(1, &"(".repeat(501)).unwrap_err().contains("has 501 bytes; at most 500"));
}

#[test]
fn what_is_wrong_with_one_rule_does_not_hide_what_is_wrong_with_another() {
    let rule = |id: &str, text: &str, example: &str| UserRule {
        id: id.to_owned(),
        cause: Cause::Unknown,
        text: vec![text.to_owned()],
        codes: Vec::new(),
        enhanced: Vec::new(),
        phases: Vec::new(),
        permanence: None,
        blame: None,
        doc: None,
        example: example.to_owned(),
    };
    let problems = Rules::with_user_rules(vec![
        rule("a", "wide", "450 wide"),
        rule("b", "wide sea", "450 wide sea"),
        rule("Bad", "x", "450 x"),
        rule("c", "x", "450 y"),
    ])
    .unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("rule \"b\": the example is won by a, which stands earlier"));
    assert!(told[1].starts_with("rule \"Bad\": the id must be of"));
    assert!(told[2].starts_with("rule \"c\": the rule does not hold for its own example"));
    let builtin = Context { phase: None, tls: false };
    let reply = unwrap::reply("450 wide").unwrap();
    assert_ne!(Rules::builtin().judge(builtin, &reply).rule, "a");
}

/// A configuration with one target and one rule on a purple quota.
fn with_rule(server: SocketAddr, cause: &str, id: &str) -> String {
    format!(
        "exporter: {{host_budget: {{min_gap: 0s}}}}
dns: {{servers: [\"127.0.0.1:9\"]}}
targets: [{{name: mx, host: \"{server}\", interval: 1s}}]
probe: {{min_interval: 0s}}
cause_rules:
  - id: {id}
    cause: {cause}
    text: [purple quota]
    codes: [421]
    permanence: permanent_in_disguise
    blame: path
    doc: https://wiki.example.net/purple
    example: 421 4.7.0 The purple quota is used up
"
    )
}

/// A server that says the same to everybody, for as long as the test runs.
fn refuse_everybody(greeting: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(format!("{greeting}\r\n").as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 512]);
        }
    });
    address
}

fn run(file: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(BINARY)
        .arg(format!("--config.file={}", file.display()))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // In a thread of its own: both pipes would fill up else.
    let writer = thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// An exporter that runs. Dropping it ends it.
struct Exporter {
    child: Child,
    address: SocketAddr,
}

impl Exporter {
    fn start(file: &Path) -> Self {
        let log = PathBuf::from(file).with_extension("log");
        let child = Command::new(BINARY)
            .arg(format!("--config.file={}", file.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut exporter = Self { child, address: ([127, 0, 0, 1], 0).into() };
        exporter.address = wait_for(|| {
            let text = std::fs::read_to_string(&log).unwrap();
            let (_, rest) = text.split_once("address=").ok_or_else(|| text.clone())?;
            let port: String = rest.split_whitespace().next().unwrap_or_default().replace('"', "");
            port.parse().map_err(|_| text)
        });
        exporter
    }

    /// Waits until a page holds a text.
    fn until(&self, path: &str, part: &str) {
        wait_for(|| {
            let page = self.page(path);
            if page.contains(part) {
                Ok(())
            } else {
                Err(format!("{part} is not in {path}:\n{page}"))
            }
        });
    }

    fn page(&self, path: &str) -> String {
        self.ask("GET", path)
    }

    /// The answer's body.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again, with the last complaint at the end.
fn wait_for<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begun = SystemTime::now();
    loop {
        match ask() {
            Ok(value) => return value,
            Err(why) if begun.elapsed().unwrap_or_default() > Duration::from_secs(30) => {
                panic!("{why}")
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_smtp_exporter");
