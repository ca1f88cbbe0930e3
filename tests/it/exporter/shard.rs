//! One configuration, several exporters: together they probe everything once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rustix::process::Signal;
use smtp_exporter::config::{self, Config};
use smtp_exporter::demo::Behaviour;
use smtp_exporter::target::Shard;

use super::house::{Exporter, binary, config as written, run, server, without_dns};

fn loaded(count: usize) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let targets: Vec<String> =
        (0..count).map(|n| format!("{{name: mx{n}, host: 127.0.9.1, module: clear}}")).collect();
    let more = format!("{}target_files: [\"more/*.yml\"]\n", without_dns());
    let file = folder.path().join("smtp_exporter.yml");
    std::fs::write(&file, written(&more, &targets)).unwrap();
    std::fs::create_dir(folder.path().join("more")).unwrap();
    std::fs::write(folder.path().join("more/a.yml"), "- {name: further, host: 127.0.9.2}\n")
        .unwrap();
    config::load(Some(&file), &BTreeMap::new()).unwrap()
}

fn names(config: &Config) -> BTreeSet<String> {
    config.targets.keys().map(|name| name.to_string()).collect()
}

#[test]
fn every_target_is_in_exactly_one_shard_whatever_file_it_stands_in() {
    let whole = loaded(60);
    assert_eq!(whole.targets.len(), 61);
    assert_eq!(whole.share, None);
    for count in 1..=20 {
        let mut seen = BTreeSet::new();
        let mut sum = 0;
        for index in 0..count {
            let part = whole.clone().in_shard(Shard::new(index, count).unwrap());
            sum += part.targets.len();
            seen.extend(names(&part));
            // Settings and modules stay, so that each shard behaves as the one exporter would.
            assert_eq!((&part.policy, &part.modules), (&whole.policy, &whole.modules));
            assert_eq!(part.checks().len(), part.targets.len());
            let line = format!("shard {index}/{count}: {} of 61 targets", part.targets.len());
            assert!(part.summary().contains(&line), "{}", part.summary());
            assert!(
                part.shown.starts_with(&format!("# {}", line.replace(" 1 targets", " 1 target")))
            );
            for name in names(&whole) {
                let shown = part.shown.contains(&format!("name: {name}\n"));
                assert_eq!(shown, part.targets.contains_key(name.as_str()), "{name} in {line}");
            }
        }
        assert_eq!((sum, seen), (61, names(&whole)), "{count} shards");
    }
}

#[tokio::test]
async fn two_exporters_probe_all_servers_once_and_stay_so_after_a_reload() {
    let servers: Vec<_> = (1..=8).map(|n| server([127, 0, 43, n], Behaviour::healthy())).collect();
    let targets: Vec<String> = servers
        .iter()
        .enumerate()
        .map(|(n, server)| {
            format!("{{name: mx{n}, host: \"{}\", module: clear}}", server.address())
        })
        .collect();
    let text = written(&without_dns(), &targets);
    let mut parts = Vec::new();
    for index in 0..2 {
        let mut command = binary();
        // The first by its number, the second as a pod that Kubernetes numbered.
        command.env("HOSTNAME", "smtp-exporter-1");
        command.arg(if index == 0 { "--shard=0/2" } else { "--shard=auto/2" });
        let exporter = Exporter::start_as(&text, command).await;
        let said = exporter.log();
        assert!(said.contains("taking one shard") && said.contains(&format!("shard={index}/2")));
        let shown = exporter.get("/config").await.text;
        assert!(shown.starts_with(&format!("# shard {index}/2: ")), "{shown}");
        parts.push((exporter, of_shard(&shown)));
    }
    let (all, mine): (Vec<_>, BTreeSet<_>) =
        (parts.iter().flat_map(|part| part.1.clone()).collect(), parts[0].1.clone());
    assert_eq!(all.len(), 8, "{all:?}");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 8);
    assert!(!mine.is_empty() && mine.len() < 8, "{mine:?}");
    for (exporter, mine) in &parts {
        let own = |text: &str| {
            let up = text.lines().filter(|line| line.starts_with("smtp_target_up{"));
            let name =
                |line: &str| line.split("target=\"").nth(1)?.split('"').next().map(str::to_owned);
            up.filter_map(name).collect::<BTreeSet<_>>()
        };
        exporter.until("its own are up", |_| true).await;
        super::house::eventually("asked", || servers.iter().all(|s| s.stats().sessions > 0)).await;
        let mut seen = own(&exporter.get("/metrics").await.text);
        while seen.len() < mine.len() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            seen = own(&exporter.get("/metrics").await.text);
        }
        assert_eq!(&seen, mine);
        exporter.signal(Signal::HUP);
        super::house::eventually("reloaded", || exporter.log().contains("configuration reloaded"))
            .await;
        assert_eq!(&of_shard(&exporter.get("/config").await.text), mine);
        let stranger = (0..8).map(|n| format!("mx{n}")).find(|name| !mine.contains(name)).unwrap();
        let answer = exporter.get(&format!("/probe?target={stranger}")).await;
        assert!(answer.status >= 400, "{stranger} is probed here too: {}", answer.text);
    }
}

fn of_shard(shown: &str) -> BTreeSet<String> {
    let names = shown.lines().filter_map(|line| line.trim_start().strip_prefix("- name: "));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_check_tells_the_share_and_refuses_one_that_there_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |flag: &str| run(Path::new(folder.path()), &["--config.check", flag]).await;
    let good = check("--shard=1/2").await;
    let said = String::from_utf8(good.stdout).unwrap();
    assert!(said.contains("shard 1/2: 0 of 0 targets\n"), "{said}");
    for (flag, reason) in [
        ("--shard=2/2", "there is no shard 2 of 2: they count from 0 to 1"),
        ("--shard=half", "is not I/N"),
    ] {
        let bad = check(flag).await;
        assert_eq!(bad.status.code(), Some(64), "{bad:?}");
        assert!(String::from_utf8_lossy(&bad.stderr).contains(reason), "{bad:?}");
    }
}
