//! The configuration: good files with what they will do, bad files with their exact messages.
//!
//! A line `# env NAME=VALUE` at the head of a fixture sets a variable. `UPDATE_EXPECT=1` writes the
//! `.expected` files anew.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends in a panic")]

mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;
use smtp_exporter::config::{self, Config, ConfigError};
use smtp_exporter::smtp::{Phase, TlsMode};
use smtp_exporter::target::{Allow, Families, Module, Secret};

#[test]
fn bad_files_give_exactly_these_messages() {
    let files = fixtures("bad");
    assert!(files.len() >= 30, "{} files", files.len());
    for path in files {
        let shown = path.display();
        let error = load_fixture(&path).expect_err(&format!("{shown} should be refused"));
        assert!(!error.0.is_empty(), "{shown}: refused without a word");
        let text = format!("{error}\n").replace("tests/config/bad/", "");
        assert!(!text.contains("hunter2"), "{shown}: a secret is shown:\n{text}");
        for problem in &error.0 {
            assert!(!problem.message.contains(['\n', '\r']), "{shown}: {problem}");
        }
        expect_file![absolute(&path.with_extension("expected"))].assert_eq(&text);
    }
}

#[test]
fn good_files_do_what_their_summaries_say() {
    for path in fixtures("good") {
        let config = match load_fixture(&path) {
            Ok(config) => config,
            Err(error) => panic!("{} should be good:\n{error}", path.display()),
        };
        let text = config.summary().replace("tests/config/good/", "");
        expect_file![absolute(&path.with_extension("expected"))].assert_eq(&text);
    }
}

/// What `/config` shows can be loaded, and does the same.
#[test]
fn what_is_shown_can_be_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    for path in fixtures("good") {
        let first = load_fixture(&path).unwrap();
        // A target file's targets are shown in the list, so the patterns would name them twice.
        let (shown, _) = first.shown.split_once("target_files:").unwrap();
        let (_, rest) = first.shown.split_once("\nconnection_limits:").unwrap();
        let again = folder.path().join("again.yml");
        fs::write(&again, format!("{shown}connection_limits:{rest}")).unwrap();
        let second = match config::load(Some(&again), &BTreeMap::new()) {
            Ok(second) => second,
            Err(error) => panic!("{}: {error}\n{}", path.display(), first.shown),
        };
        assert_eq!(first.policy, second.policy, "{}", path.display());
        let counts = |config: &Config| {
            let text = config.summary();
            text.lines()
                .filter(|line| line.contains(" every "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(&first), counts(&second), "{}", path.display());
    }
}

#[test]
fn without_a_file_there_are_the_built_in_modules_and_no_targets() {
    let config = config::load(None, &BTreeMap::new()).unwrap();
    assert!(config.targets.is_empty());
    assert!(config.watched.is_empty());
    let modules: Vec<(&str, u16, TlsMode)> =
        config.modules.values().map(|m| (&*m.name, m.port, m.tls)).collect();
    assert_eq!(
        modules,
        [
            ("smtp", 25, TlsMode::Opportunistic),
            ("smtp2525", 2525, TlsMode::Opportunistic),
            ("smtps", 465, TlsMode::Implicit),
            ("submission", 587, TlsMode::Required),
        ]
    );
    assert_eq!(config.policy.probe_allow, [Allow::Configured]);
}

#[test]
fn a_named_file_must_be_there_and_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yml");
    assert_eq!(messages(config::load(Some(&missing), &BTreeMap::new())), ["does not exist"]);
    assert_eq!(messages(config::load(Some(folder.path()), &BTreeMap::new())), ["is a directory"]);
    assert_eq!(
        messages(config::load(Some(Path::new("/dev/zero")), &BTreeMap::new())),
        ["is not a regular file"]
    );
    assert!(config::load(Some(Path::new("/dev/null")), &BTreeMap::new()).is_ok());
    let large = folder.path().join("large.yml");
    fs::write(&large, vec![b'#'; (4 << 20) + 1]).unwrap();
    assert_eq!(messages(config::load(Some(&large), &BTreeMap::new())), ["is larger than 4 MiB"]);
}

#[test]
fn encodings_and_line_ends_of_other_systems() {
    assert_eq!(
        load_text(b"\xef\xbb\xbfdns: {timeout: 3s}\r\ntargets:\r\n- {host: 10.0.0.1}\r\n", &[])
            .unwrap()
            .policy
            .dns_timeout,
        Duration::from_secs(3)
    );
    assert_eq!(messages(load_text(b"\xff\xfed\0n\0s\0", &[])), ["is UTF-16; save it as UTF-8"]);
    let latin = load_text(b"dns: {}\n# caf\xe9\n", &[]).unwrap_err();
    assert_eq!(latin.0[0].place, Some((2, 6)));
    assert_eq!(latin.0[0].message, "is not UTF-8 here; save the file as UTF-8");
    let nul = load_text(b"dns: {}\n\0\n", &[]).unwrap_err();
    assert_eq!(nul.0[0].place, Some((2, 1)));
    let crlf = load_text(b"dns:\r\n  timeout: 3\r\n", &[]).unwrap_err();
    assert_eq!(crlf.0[0].place, Some((2, 12)));
}

#[test]
fn every_key_is_read() {
    let config = config::load(Some(Path::new("deploy/smtp_exporter.example.yml")), &example_env());
    let config = match config {
        Ok(config) => config,
        Err(error) => panic!("the example is refused:\n{error}"),
    };
    let policy = &config.policy;
    assert_eq!(policy.helo.as_deref(), Some("probe.example.net"));
    assert_eq!(policy.families, Families::Auto);
    assert_eq!(policy.own.domains, [Arc::from("example.net")]);
    let submission = &config.modules["submission"];
    assert_eq!(submission.timeouts.greeting, Duration::from_secs(30));
    assert_eq!(submission.auth.as_ref().unwrap().username, "probe");
    let check = &config.modules["relay_check"];
    assert_eq!(check.expect.as_ref().unwrap().phase, Phase::Rcpt);
    assert_eq!(check.mail.as_ref().unwrap().to, "nobody@example.org");
    assert!(config.targets.len() >= 3);
}

/// The example states every key of the reference, so a reader finds each in its place.
#[test]
fn the_example_shows_every_key_of_the_reference() {
    let text = fs::read_to_string("deploy/smtp_exporter.example.yml").unwrap();
    let missing: Vec<&str> = config::reference()
        .map(|doc| doc.path)
        .filter(|path| {
            let last = path.rsplit('.').next().unwrap();
            !text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == last)
        })
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// Both ways: what is documented is looked at (nonsense there is refused at that very key), and
/// what is not documented is refused as unknown.
#[test]
fn the_reference_and_the_checks_know_the_same_keys() {
    for doc in config::reference() {
        let mut yaml = "[[[x]]]".to_owned();
        let mut path = doc.path.to_owned();
        // What a key needs beside it to be reached at all.
        if path.starts_with("targets[].") && !path.ends_with("host") && !path.ends_with("domain") {
            "[[[x]]], host: 10.0.0.1".clone_into(&mut yaml);
        }
        if path.starts_with("dnsbl.lists[].") && !path.contains(".zone") {
            "[[[x]]], zone: bl.example.net".clone_into(&mut yaml);
        }
        for part in path.clone().split('.').rev() {
            yaml = match part {
                "targets[]" | "cause_rules[]" | "connection_limits[]" => break,
                "<name>" => format!("{{m: {yaml}}}"),
                list if list.ends_with("[]") => {
                    format!("{{{}: [{yaml}]}}", list.trim_end_matches("[]"))
                }
                _ => format!("{{{part}: {yaml}}}"),
            };
        }
        if path.starts_with("targets[].") {
            yaml = format!("{{targets: [{yaml}]}}");
        }
        if path.starts_with("connection_limits[].") {
            yaml = format!("{{connection_limits: [{yaml}]}}");
        }
        if path.starts_with("cause_rules[].") {
            yaml = format!("{{cause_rules: [{yaml}]}}");
        }
        path = path.replace("<name>", "m").replace("[]", "[0]");
        let error = load_text(yaml.as_bytes(), &[]).expect_err(doc.path);
        assert!(
            error
                .0
                .iter()
                .any(|p| { p.path.starts_with(&path) && !p.message.starts_with("unknown key") }),
            "{yaml}: {path} is documented and not read: {error}"
        );
        assert!(!doc.text.is_empty() && doc.text.ends_with('.'), "{}", doc.path);
    }
    let paths: BTreeSet<&str> = config::reference().map(|doc| doc.path).collect();
    assert_eq!(paths.len(), config::reference().count(), "a key is documented twice");
}

/// The defaults of the reference are those in force.
#[test]
fn the_documented_defaults_change_nothing() {
    let bare = config::load(None, &BTreeMap::new()).unwrap();
    let mut seen = 0;
    for doc in config::reference() {
        let parts: Vec<&str> = doc.path.split('.').collect();
        let plain = doc.default.len() < 20 && !doc.default.is_empty();
        if !plain || !matches!(parts[0], "exporter" | "dns" | "tls" | "probe") {
            continue;
        }
        let yaml = parts
            .iter()
            .rev()
            .fold(doc.default.to_owned(), |yaml, part| format!("{{{part}: {yaml}}}"));
        let stated = load_text(yaml.as_bytes(), &[]).unwrap();
        assert_eq!(stated.policy, bare.policy, "{yaml}");
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
    let module = load_text(
        b"modules: {m: {port: 25, tls: opportunistic, tls_verify: true,
            timeouts: {connect: 10s, greeting: 30s, reply: 15s, total: 60s}}}",
        &[],
    )
    .unwrap();
    assert_eq!(
        Module { name: Arc::from("smtp"), ..(*module.modules["m"]).clone() },
        *module.modules["smtp"]
    );
}

#[test]
fn a_built_in_module_keeps_what_is_not_overridden() {
    let config = load_text(
        b"modules:\n  submission: {timeouts: {total: 2m}}\n  smtps: {port: 4650}\n  new: {}\n",
        &[],
    )
    .unwrap();
    let submission = &config.modules["submission"];
    assert_eq!((submission.port, submission.tls), (587, TlsMode::Required));
    assert_eq!(submission.timeouts.total, Duration::from_secs(120));
    assert_eq!(submission.timeouts.connect, Duration::from_secs(10));
    let smtps = &config.modules["smtps"];
    assert_eq!((smtps.port, smtps.tls), (4650, TlsMode::Implicit));
    let new = &config.modules["new"];
    assert_eq!((new.port, new.tls, new.tls_verify), (25, TlsMode::Opportunistic, true));
}

#[test]
fn secrets_are_read_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "fr0m-file\r\n").unwrap();
    fs::write(folder.path().join("token"), "t0ken-one\n").unwrap();
    for name in ["password", "token"] {
        let path = folder.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let yaml = "modules:
  a: {tls: required, auth: {username: u, password: 007}}
  b: {tls: required, auth: {username: u, password_file: password}}
  c: {tls: required, auth: {username: u, password_env: PW}}
  d: {tls: required, auth: {username: u, token_file: token}}
  e: {tls: required, auth: {username: u, password: \" spaced \"}}
";
    let path = folder.path().join("c.yml");
    fs::write(&path, yaml).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let environment = BTreeMap::from([("PW".to_owned(), "fr0m-env".to_owned())]);
    let config = config::load(Some(&path), &environment).unwrap();
    assert_eq!(config.warnings, []);
    let secret = |name: &str| match &config.modules[name].auth.as_ref().unwrap().secret {
        Secret::Password(text) => secrecy::ExposeSecret::expose_secret(text).to_owned(),
        Secret::TokenFile(path) => {
            assert!(path.is_absolute());
            format!("file {}", path.file_name().unwrap().display())
        }
    };
    assert_eq!(secret("a"), "007");
    assert_eq!(secret("b"), "fr0m-file");
    assert_eq!(secret("c"), "fr0m-env");
    assert_eq!(secret("d"), "file token");
    assert_eq!(secret("e"), " spaced ");
    let seen = format!("{config:?}{}{}", config.shown, config.summary());
    for hidden in ["007", "fr0m", "t0ken-one", "spaced"] {
        assert!(!seen.contains(hidden), "{hidden} is shown");
    }
    assert_eq!(config.shown.matches("<secret>").count(), 4);

    fs::set_permissions(folder.path().join("password"), fs::Permissions::from_mode(0o644)).unwrap();
    let config = config::load(Some(&path), &environment).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].path, "modules.b.auth.password_file");
    assert!(config.warnings[0].message.starts_with("everybody on this machine can read "));

    fs::write(folder.path().join("password"), vec![b'x'; (64 << 10) + 1]).unwrap();
    fs::write(folder.path().join("token"), "\n").unwrap();
    let error = config::load(Some(&path), &environment).unwrap_err();
    assert!(error.0[0].message.ends_with("is larger than 64 KiB"), "{error}");
    assert!(error.0[1].message.ends_with("is empty"), "{error}");
}

#[test]
fn a_zones_key_is_read_and_never_shown() {
    const KEY: &str = "k3yk3yk3yk3yk3yk3yk3yk3yk3";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    fs::write(&file, format!("{}.zen.dq.spamhaus.net.\r\n", KEY.to_uppercase())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let path = folder.path().join("c.yml");
    let yaml = format!(
        "dns: {{servers: [127.0.0.1]}}
dnsbl:
  subjects: [192.0.2.1]
  lists:
    - {{zone_file: zone, name: a}}
    - {{zone: {KEY}.dbl.dq.spamhaus.net, name: b}}
"
    );
    fs::write(&path, yaml).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let config = config::load(Some(&path), &BTreeMap::new()).unwrap();
    let plan = config.dnsbl.clone().unwrap();
    let zones: Vec<&str> = plan.lists.iter().map(|list| list.zone.expose()).collect();
    let expected = ["zen", "dbl"].map(|zone| format!("{KEY}.{zone}.dq.spamhaus.net"));
    assert_eq!(zones, expected);
    assert!(plan.lists.iter().all(|list| list.zone.is_keyed()));
    assert_eq!(&*plan.lists[0].operator.name, "spamhaus");
    let seen = format!("{config:?}{config:#?}{}{}", config.shown, config.summary());
    assert!(!seen.to_lowercase().contains(KEY), "{seen}");
    assert!(config.shown.contains("zone: <secret>"), "{}", config.shown);
    // The other list takes no such subject, which is all that is odd.
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let config = config::load(Some(&path), &BTreeMap::new()).unwrap();
    assert!(config.warnings[0].message.starts_with("everybody on this machine can read "));
}

#[test]
fn secrets_compare_by_value_so_that_a_reload_sees_a_new_password() {
    let load = |password: &str| {
        let yaml = format!(
            "modules: {{a: {{tls: required, auth: {{username: u, password: {password}}}}}}}"
        );
        load_text(yaml.as_bytes(), &[]).unwrap()
    };
    assert_eq!(load("one").modules["a"], load("one").modules["a"]);
    assert_ne!(load("one").modules["a"], load("two").modules["a"]);
}

#[test]
fn the_environment_wins_over_the_file() {
    let yaml = b"dns: {timeout: 30s, servers: [192.0.2.1]}\nexporter: {max_endpoints: 4}\n";
    let config = load_text(
        yaml,
        &[
            ("SMTP_EXPORTER__DNS__TIMEOUT", "3s"),
            ("SMTP_EXPORTER__DNS__SERVERS", "192.0.2.53, [2001:db8::53]:5353"),
            ("SMTP_EXPORTER__EXPORTER__HOST_BUDGET__MAX_CONCURRENT", "2"),
            ("SMTP_EXPORTER__EXPORTER__HELO", "007.example.net"),
        ],
    )
    .unwrap();
    assert_eq!(config.policy.dns_timeout, Duration::from_secs(3));
    assert_eq!(
        config.policy.dns_servers,
        ["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:5353".parse().unwrap()]
    );
    assert_eq!(config.policy.host_budget.max_concurrent, 2);
    assert_eq!(config.policy.max_endpoints, 4);
    assert_eq!(config.policy.helo.as_deref(), Some("007.example.net"));
    // It is enough on its own.
    let alone = BTreeMap::from([("SMTP_EXPORTER__DNS__TIMEOUT".to_owned(), "7s".to_owned())]);
    assert_eq!(config::load(None, &alone).unwrap().policy.dns_timeout, Duration::from_secs(7));
}

#[test]
fn roots_must_be_pem() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["ca.example.net".to_owned()]).unwrap();
    fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let path = folder.path().join("c.yml");
    fs::write(&path, "tls: {ca_file: ca.pem}").unwrap();
    let config = config::load(Some(&path), &BTreeMap::new()).unwrap();
    assert_eq!(config.policy.ca_file, Some(folder.path().join("ca.pem")));
    fs::write(&path, "tls: {ca_file: key.pem}").unwrap();
    let error = config::load(Some(&path), &BTreeMap::new()).unwrap_err();
    assert!(error.0[0].message.contains("holds no certificate"), "{error}");
}

fn example_env() -> BTreeMap<String, String> {
    BTreeMap::from([("SMTP_PROBE_PASSWORD".to_owned(), "example".to_owned())])
}

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(format!("tests/config/{kind}"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    files
}

fn absolute(path: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn load_fixture(path: &Path) -> Result<Config, ConfigError> {
    let text = fs::read_to_string(path).unwrap();
    let environment = text
        .lines()
        .map_while(|line| line.strip_prefix("# env "))
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.replace("\\n", "\n"))
        })
        .collect();
    config::load(Some(path), &environment)
}

fn load_text(text: &[u8], environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yml");
    fs::write(&path, text).unwrap();
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    config::load(Some(&path), &environment)
}

fn messages(result: Result<Config, ConfigError>) -> Vec<String> {
    result.unwrap_err().0.into_iter().map(|problem| problem.message).collect()
}
