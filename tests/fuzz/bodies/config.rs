//! Configuration files: refused with places and words that can be acted on, or taken whole; and no
//! secret in anything that is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use smtp_exporter::config::{Config, ConfigError, Problem, load, load_web};
use smtp_exporter::target::Module;
use tempfile::TempDir;

/// The main file. Two secrets are within its reach: `secret` as a file beside it, and the variable
/// `SECRET`.
pub fn run(data: &[u8]) {
    // Who takes the secret for a file of targets will see it, and who writes it down has seen it.
    let holds = |word: &[u8]| data.windows(word.len()).any(|window| window == word);
    if holds(CANARY.as_bytes()) || holds(b"target_files") && holds(b"secret") {
        return;
    }
    let environment = BTreeMap::from([("SECRET".to_owned(), CANARY.to_owned())]);
    let (_folder, path) = folder("main.yml", data);
    match load(Some(&path), &environment) {
        Ok(config) => {
            check(&config);
            again(&config, &environment);
        }
        Err(error) => refused(&error, data),
    }
}

/// The web configuration file. `secret` beside it could be taken for a key or a certificate.
pub fn web(data: &[u8]) {
    let (_folder, path) = folder("web.yml", data);
    let (watched, result) = load_web(&path);
    assert_eq!(watched.first(), Some(&path));
    assert!(watched.len() <= 8, "{watched:?}");
    match result {
        Ok(config) => {
            let shown = format!("{:?}", config.users);
            assert!(!shown.contains("$10$") || config.users.keys().any(|name| name.contains('$')));
            for (name, value) in &config.headers {
                super::assert_one_line(value);
                assert!(value.is_ascii() && !value.is_empty(), "{name}: {value}");
            }
            for name in config.users.keys() {
                assert!((1..=255).contains(&name.len()) && !name.contains(':'), "{name}");
            }
            assert!(config.rate_limit.is_none_or(|l| l.burst >= 1 && !l.interval.is_zero()));
            config.warnings.iter().for_each(|problem| told(problem, data));
        }
        Err(error) => refused(&error, data),
    }
}

const CANARY: &str = "c4nary-th4t-n0body-m4y-see";

/// A folder with this file in it, and the secret.
fn folder(name: &str, data: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("secret"), CANARY).expect("a file");
    let path = folder.path().join(name);
    fs::write(&path, data).expect("a file");
    (folder, path)
}

fn check(config: &Config) {
    for text in [&config.shown, &config.summary(), &format!("{config:?}")] {
        assert!(!text.contains(CANARY), "a secret is shown: {text}");
    }
    for (name, target) in &config.targets {
        assert_eq!(*name, target.name);
        assert!(!target.modules.is_empty() && (1..=256).contains(&name.len()));
        super::assert_one_line(name);
    }
    for check in config.checks() {
        let interval = check.target.interval_of(&check.module);
        assert!(!interval.is_zero() && check.module.port != 0);
    }
    for ladder in &config.ladders {
        assert!((1..=200).contains(&ladder.cap) && ladder.interval.as_secs() >= 600, "{ladder:?}");
    }
    config.warnings.iter().for_each(|problem| told(problem, &[]));
}

/// What `/config` shows does the same, where it shows all: secrets it does not, and what target
/// files hold it shows as targets.
fn again(config: &Config, environment: &BTreeMap<String, String>) {
    if config.shown.contains("<secret>") || !config.watched.is_empty() {
        return;
    }
    let (_folder, path) = folder("again.yml", config.shown.as_bytes());
    match load(Some(&path), environment) {
        Ok(second) => {
            assert_eq!(config.policy, second.policy, "{}", config.shown);
            // An interval may be shown at the target that was filled in at the module.
            let plain = |module: &Module| Module { interval: None, ..module.clone() };
            let does = |config: &Config| -> Vec<_> {
                let all = config.checks().into_iter();
                all.map(|check| {
                    let interval = check.target.interval_of(&check.module);
                    (check.key(), check.target.place.clone(), interval, plain(&check.module))
                })
                .collect()
            };
            assert_eq!(does(config), does(&second), "{}", config.shown);
            assert_eq!(config.modules, second.modules, "{}", config.shown);
            let runs = |config: &Config| -> Vec<_> {
                let all = config.ladders.iter();
                all.map(|l| (l.key(), l.cap, l.max_idle, l.interval, l.helo.clone(), l.hold))
                    .collect()
            };
            assert_eq!(runs(config), runs(&second), "{}", config.shown);
            assert_eq!(config.shown, second.shown);
        }
        Err(error) => panic!("what is shown is refused: {error}\n{}", config.shown),
    }
}

fn refused(error: &ConfigError, data: &[u8]) {
    assert!((1..=200).contains(&error.0.len()), "{} problems", error.0.len());
    error.0.iter().for_each(|problem| told(problem, data));
}

fn told(problem: &Problem, data: &[u8]) {
    super::assert_one_line(&problem.message);
    super::assert_one_line(&problem.path);
    assert!(!problem.message.is_empty() && !problem.file.is_empty());
    let text = problem.to_string();
    assert!(!text.contains(CANARY), "a secret is shown: {text}");
    assert!(text.len() < 4000, "{} bytes: {text}", text.len());
    if let Some((line, column)) = problem.place {
        assert!(line >= 1 && column >= 1, "{text}");
        let lines = data.iter().filter(|byte| matches!(**byte, b'\n' | b'\r')).count() + 2;
        let inside = usize::try_from(line).is_ok_and(|line| line <= lines);
        let other = !problem.file.ends_with("main.yml") && !problem.file.ends_with("web.yml");
        assert!(data.is_empty() || other || inside, "{text} is behind the end");
    }
}
