//! Block lists as operators serve them: rbldnsd and BIND, Unbound in front with its cache and with
//! answers that it makes up, a server that refuses and one that is silent.

mod count;
mod death;

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::cli::run;
use crate::support::{Bed, Exporter, Scrape, address, fresh_directory, head, keep, wait_for};

/// What each subject is on each list, `-` where the list does not take such a subject.
const STATES: &[(&str, [&str; 6])] = &[
    // list, then 192.0.2.25, 192.0.2.26, 2001:db8:bad::25, 2001:db8::25, spam.test, good.test
    ("ip4.test", ["listed", "clean", "-", "-", "-", "-"]),
    ("ip6.test", ["-", "-", "listed", "clean", "-", "-"]),
    ("names.test", ["-", "-", "-", "-", "listed", "clean"]),
    ("both.test", ["listed", "clean", "listed", "clean", "-", "-"]),
    ("allow.test", ["clean", "listed", "-", "-", "-", "-"]),
    ("zone.test", ["listed", "clean", "-", "-", "-", "-"]),
    ("coded.test", ["refused", "refused", "-", "-", "-", "-"]),
    ("rcode.test", ["refused", "refused", "-", "-", "-", "-"]),
    ("broken.test", ["servfail", "servfail", "-", "-", "-", "-"]),
    ("rewritten.test", ["rewritten", "rewritten", "-", "-", "-", "-"]),
    ("everything.test", ["list_unhealthy", "list_unhealthy", "-", "-", "-", "-"]),
    ("empty.test", ["list_unhealthy", "list_unhealthy", "-", "-", "-", "-"]),
    ("silent.test", ["timeout", "timeout", "-", "-", "-", "-"]),
];

const SUBJECTS: [&str; 6] =
    ["192.0.2.25", "192.0.2.26", "2001:db8:bad::25", "2001:db8::25", "spam.test", "good.test"];

/// The servers of the states above.
struct Field {
    rbldnsd: Bed,
    bind: Bed,
    unbound: Bed,
    silent: Silent,
}

impl Field {
    fn start(test: &str) -> Self {
        let rbldnsd = Bed::of("rbldnsd")
            .line("@ ip4set ip4.test")
            .line(":127.0.0.4:Exploited, see http://ip4.test/?$")
            .line("127.0.0.2")
            .line("192.0.2.24/29")
            .line("192.0.2.25 :127.0.0.10:Dynamic, see http://ip4.test/?$")
            .line("!192.0.2.26")
            .line("@ ip6trie ip6.test")
            .line(":127.0.0.2:Bad network")
            .line("::ffff:7f00:2")
            .line("2001:db8:bad::/48")
            .line("@ dnset names.test")
            .line(":127.0.1.2:Advertised in spam: $")
            .line("test")
            .line(".spam.test")
            .line("@ combined both.test")
            .line("$DATASET ip4set four @")
            .line(":127.0.0.2:A spam source: $")
            .line("127.0.0.2")
            .line("192.0.2.25")
            .line("$DATASET ip6trie six @")
            .line(":127.0.0.3:A bad network: $")
            .line("::ffff:7f00:2")
            .line("2001:db8:bad::/48")
            .line("@ ip4set allow.test")
            .line(":127.0.0.2:Known to be good")
            .line("127.0.0.2")
            .line("192.0.2.26")
            // What a list says to a public resolver, and one that was given up and names everybody.
            .line("@ ip4set coded.test")
            .line(":127.255.255.254:Open resolver; see http://coded.test/")
            .line("0.0.0.0/1")
            .line("128.0.0.0/1")
            .line("@ ip4set everything.test")
            .line(":127.0.0.2:Listed")
            .line("0.0.0.0/1")
            .line("128.0.0.0/1")
            .line("@ ip4set empty.test")
            .line("198.51.100.1")
            .start(test, &[53]);
        let bind = Bed::of("bind")
            .line("@ zone.test")
            .line("2.0.0.127 A 127.0.0.2")
            .line("25.2.0.192 A 127.0.0.2")
            .line("25.2.0.192 A 127.0.0.9")
            .line("25.2.0.192 TXT \"In two parts, \" \"both of them said\"")
            // It exists, and has no address.
            .line("26.2.0.192 TXT \"Asked for, and found good\"")
            .line("@ broken.test")
            .line("these are no records")
            .start(test, &[53]);
        let silent = Silent::start();
        let mut unbound = Bed::of("unbound")
            .line("local-zone: rewritten.test redirect")
            .line("local-data: \"rewritten.test A 192.0.2.1\"");
        for zone in ["ip4", "ip6", "names", "both", "allow", "coded", "everything", "empty"] {
            unbound = unbound.line(format!("{zone}.test {}", rbldnsd.address));
        }
        for zone in ["zone", "broken"] {
            unbound = unbound.line(format!("{zone}.test {}", bind.address));
        }
        let unbound = unbound.start(test, &[53]);
        Self { rbldnsd, bind, unbound, silent }
    }

    /// Everything is asked through Unbound, but for the list whose server refuses: from behind a
    /// resolver that is a SERVFAIL.
    fn config(&self) -> String {
        format!(
            "{}dnsbl:
  interval: 1s
  listed_interval: 1s
  health_interval: 1s
  timeout: 1500ms
  servers: [{}]
  subjects: [{}]
  lists:
    - {{zone: ip4.test, subjects: [ip4], delisting: \"http://ip4.test/out\",
       codes: {{127.0.0.4: exploited host, 127.0.0.10-127.0.0.11: dynamic address}}}}
    - {{zone: ip6.test, subjects: [ip6]}}
    - {{zone: names.test, subjects: [domain], codes: {{127.0.1.2: spam domain}}}}
    - both.test
    - {{zone: allow.test, kind: allow, subjects: [ip4]}}
    - {{zone: zone.test, subjects: [ip4], bits: {{1: odd, 2: spam source, 8: open proxy}}}}
    - {{zone: coded.test, subjects: [ip4]}}
    - {{zone: rcode.test, subjects: [ip4], servers: [{}]}}
    - {{zone: broken.test, subjects: [ip4]}}
    - {{zone: rewritten.test, subjects: [ip4]}}
    - {{zone: everything.test, subjects: [ip4]}}
    - {{zone: empty.test, subjects: [ip4]}}
    - {{zone: silent.test, subjects: [ip4], servers: [{}]}}
",
            head(""),
            self.unbound.address,
            SUBJECTS.map(|subject| format!("\"{subject}\"")).join(", "),
            self.bind.address,
            self.silent.address,
        )
    }
}

/// Takes questions and never answers one.
struct Silent {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Silent {
    fn start() -> Self {
        let socket = UdpSocket::bind((address(), 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut datagram = [0; 1500];
            while let Ok(length) = socket.recv(&mut datagram) {
                writer.lock().unwrap().push(datagram[..length].to_vec());
            }
        });
        Self { address, heard }
    }

    fn questions(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

/// The state of a pair in an exposition: of `listed`, `clean` and the reasons exactly one.
fn state(scrape: &Scrape, list: &str, subject: &str) -> String {
    let pair = [("list", list), ("subject", subject)];
    let listed = scrape.value("smtp_dnsbl_listed", &pair);
    let success = scrape.value("smtp_dnsbl_query_success", &pair);
    let why = scrape.all("smtp_dnsbl_query_failure", &pair);
    let codes = scrape.all("smtp_dnsbl_listing_info", &pair).len();
    match (listed, success, why.as_slice()) {
        (Some(1.0), Some(1.0), []) if codes > 0 => "listed".to_owned(),
        (Some(0.0), Some(1.0), []) if codes == 0 => "clean".to_owned(),
        (None, Some(0.0), [why]) if codes == 0 => why.labels["reason"].clone(),
        (None, None, []) if codes == 0 => "-".to_owned(),
        other => panic!("{list} {subject} is {other:?} with {codes} codes"),
    }
}

fn all_states(scrape: &Scrape) -> Vec<(String, Vec<String>)> {
    let row = |list: &str| SUBJECTS.iter().map(|subject| state(scrape, list, subject)).collect();
    STATES.iter().map(|(list, _)| ((*list).to_owned(), row(list))).collect()
}

fn expected() -> Vec<(String, Vec<String>)> {
    let row = |states: &[&str; 6]| states.iter().map(|state| (*state).to_owned()).collect();
    STATES.iter().map(|(list, states)| ((*list).to_owned(), row(states))).collect()
}

/// One look with the command line, as JSON, and what it exits with.
fn look(config: &str) -> (Option<i32>, Value) {
    let arguments = [&["dnsbl", config, "--format=json"][..], &SUBJECTS].concat();
    let (output, text) = run(&arguments);
    keep("dnsbl.json", &text);
    (output.status.code(), serde_json::from_str(&text).unwrap())
}

/// The states that the command line tells.
fn told_states(told: &Value) -> Vec<(String, Vec<String>)> {
    let mut found: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for subject in told["subjects"].as_array().unwrap() {
        for result in subject["results"].as_array().unwrap() {
            let pair = (result["list"].as_str().unwrap(), subject["subject"].as_str().unwrap());
            let state = result["reason"].as_str().or_else(|| result["verdict"].as_str()).unwrap();
            found.insert(pair, state.to_owned());
        }
    }
    let state = |list, subject| found.get(&(list, subject)).map_or("-", String::as_str).to_owned();
    let row = |list| SUBJECTS.iter().map(|subject| state(list, *subject)).collect();
    STATES.iter().map(|(list, _)| ((*list).to_owned(), row(*list))).collect()
}

/// One result of the command line.
fn result<'a>(told: &'a Value, list: &str, subject: &str) -> &'a Value {
    let all = |value: &'a Value| value.as_array().unwrap().iter();
    let subject = all(&told["subjects"]).find(|one| one["subject"] == subject).unwrap();
    all(&subject["results"]).find(|one| one["list"] == list).unwrap()
}

/// How many questions of a type for names that end so stand in a server's log.
fn questions(bed: &Bed, kind: &str, ending: &str) -> usize {
    asked(bed).iter().filter(|(name, of)| of == kind && name.ends_with(ending)).count()
}

/// Names and types of all questions in the log of rbldnsd or BIND.
fn asked(bed: &Bed) -> Vec<(String, String)> {
    let log = bed.log();
    let question = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.iter().position(|word| *word == "query:") {
            // BIND: ... query: NAME IN TYPE FLAGS (SERVER)
            Some(at) => Some((words.get(at + 1)?, words.get(at + 3)?)),
            // rbldnsd: TIME CLIENT NAME TYPE CLASS: RCODE/...
            None if words.first()?.parse::<u64>().is_ok() => Some((words.get(2)?, words.get(3)?)),
            None => None,
        }
        .map(|(name, kind)| (name.trim_end_matches('.').to_ascii_lowercase(), (*kind).to_owned()))
    };
    log.lines().filter_map(question).collect()
}

fn config_file(test: &str, config: &str) -> (PathBuf, String) {
    let file = fresh_directory(&format!("{test}.config")).join("smtp_exporter.yml");
    std::fs::write(&file, config).unwrap();
    let flag = format!("--config.file={}", file.display());
    (file, flag)
}

#[test]
fn every_state_is_told_by_real_servers() {
    let field = Field::start("dnsbl");
    let (_, config) = config_file("dnsbl", &field.config());

    let (code, first) = look(&config);
    assert_eq!(told_states(&first), expected(), "{first:#}");
    assert_eq!(code, Some(1), "one is listed");
    let from_rbldnsd = asked(&field.rbldnsd).len();
    assert!(from_rbldnsd > 20, "{}", field.rbldnsd.log());

    let twice = result(&first, "ip4.test", "192.0.2.25");
    let told = |field, at: usize, key| twice[field][at][key].as_str().unwrap().to_owned();
    assert_eq!(
        [told("codes", 0, "code"), told("codes", 0, "meaning")],
        ["127.0.0.4", "exploited host"]
    );
    assert_eq!(
        [told("codes", 1, "code"), told("codes", 1, "meaning")],
        ["127.0.0.10", "dynamic address"]
    );
    assert_eq!(twice["texts"][0], "Dynamic, see http://ip4.test/?192.0.2.25");
    assert_eq!(twice["texts"][1], "Exploited, see http://ip4.test/?192.0.2.25");
    assert_eq!(twice["delisting"], "http://ip4.test/out");
    let proxy = result(&first, "zone.test", "192.0.2.25");
    let meanings: Vec<&Value> =
        proxy["codes"].as_array().unwrap().iter().map(|code| &code["meaning"]).collect();
    assert_eq!(meanings, ["spam source", "odd", "open proxy"], "127.0.0.9 is 1 + 8");
    assert_eq!(proxy["texts"][0], "In two parts, both of them said");
    let network = result(&first, "both.test", "2001:db8:bad::25");
    assert_eq!(network["codes"][0]["code"], "127.0.0.3", "{network:#}");
    let text = network["texts"][0].as_str().unwrap();
    assert!(text.starts_with("A bad network: "), "{text}");

    // Once more: Unbound answers from its cache, what is denied as well as what is listed, with TTLs
    // that have run down.
    let (code, second) = look(&config);
    assert_eq!((code, told_states(&second)), (Some(1), expected()), "{second:#}");
    let new = asked(&field.rbldnsd).split_off(from_rbldnsd);
    assert_eq!(new, [], "asked through the cache");

    let arguments = [&["dnsbl", &config][..], &SUBJECTS].concat();
    let (_, text) = run(&arguments);
    keep("dnsbl.txt", &text);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for line in [
        "  LISTED   ip4.test                     127.0.0.4  exploited host",
        "                                        127.0.0.10  dynamic address",
        "           removal http://ip4.test/out",
        "  ALLOWED  allow.test                   127.0.0.2  unknown",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours are for terminals:\n{text}");

    // The exporter, for several intervals of one second.
    let exporter = Exporter::start_with("dnsbl", &field.config());
    let scrape = wait_for(
        Duration::from_secs(45),
        || Some(exporter.scrape()).filter(|scrape| all_states(scrape) == expected()),
        || format!("{:#?}\n{}", all_states(&exporter.scrape()), exporter.log()),
    );
    keep("dnsbl-metrics.txt", &scrape.text);
    let healthy =
        |scrape: &Scrape, list| scrape.value("smtp_dnsbl_list_healthy", &[("list", list)]);
    for (list, health) in [
        ("ip4.test", Some(1.0)),
        ("ip6.test", Some(1.0)),
        ("names.test", Some(1.0)),
        ("both.test", Some(1.0)),
        ("zone.test", Some(1.0)),
        ("coded.test", None),
        ("rcode.test", None),
        ("broken.test", None),
        ("silent.test", None),
        ("rewritten.test", None),
        ("everything.test", Some(0.0)),
        ("empty.test", Some(0.0)),
    ] {
        assert_eq!(healthy(&scrape, list), health, "{list}\n{}", exporter.log());
    }
    for (list, paused) in [("coded.test", true), ("rcode.test", true), ("broken.test", false)] {
        let until = "smtp_dnsbl_list_paused_until_timestamp_seconds";
        assert_eq!(scrape.value(until, &[("list", list)]).is_some(), paused, "{list}");
    }
    for (list, code, meaning) in [
        ("ip4.test", "127.0.0.10", "dynamic address"),
        ("names.test", "127.0.1.2", "spam domain"),
        ("zone.test", "127.0.0.9", "open proxy"),
    ] {
        let labels = [("list", list), ("return_code", code), ("meaning", meaning)];
        assert_eq!(scrape.value("smtp_dnsbl_listing_info", &labels), Some(1.0), "{list}");
    }
    let allowed = [("list", "allow.test"), ("kind", "allow"), ("subject", "192.0.2.26")];
    assert_eq!(scrape.value("smtp_dnsbl_listed", &allowed), Some(1.0));
    assert!(!scrape.text.contains("http://ip4.test"), "a list's own words are in no label");
    let change = exporter.log();
    let change = change.lines().find(|line| line.contains("subject is listed")).unwrap();
    for word in ["codes=", "meanings=", "reason="] {
        assert!(change.contains(word), "{change}");
    }

    // Who refused was asked once by each of the two looks and once by the exporter, and who is
    // silent is asked again each time, but no second server and no TCP.
    assert_eq!(questions(&field.bind, "A", "rcode.test"), 4, "{}", field.bind.log());
    assert!(field.silent.questions() > 3, "{}", field.silent.questions());
    exporter.stop();
}
