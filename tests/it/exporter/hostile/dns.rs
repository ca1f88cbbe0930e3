//! Name servers that lie, loop and flood, for mail servers' names and for block lists: each question
//! ends, with a sensible end, and the names beside them resolve as ever.

use std::net::SocketAddr;
use std::time::Duration;

use smtp_exporter::demo::Behaviour;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::{Instant, sleep};

use super::{bounded, config, ends, optimised, probes};
use crate::exporter::house::{Exporter, server};
use crate::support::exposition::Exposition;

const A: u16 = 1;
const CNAME: u16 = 5;
const MX: u16 = 15;
const TXT: u16 = 16;

/// What the third label from the right asks for, and where the probe of such a name ends.
const HOSTS: &[(&str, &[&str])] = &[
    ("good", &[""]),
    ("ttl-zero", &[""]),
    ("ttl-2-31", &[""]),
    ("ttl-negative", &[""]),
    ("pointer-loop", FAILED),
    ("pointer-ahead", FAILED),
    ("counts-lie", FAILED),
    ("short", FAILED),
    ("empty", FAILED),
    ("wrong-id", FAILED),
    ("wrong-question", FAILED),
    ("wrong-owner", FAILED),
    ("truncated-for-ever", FAILED),
    ("tcp-stops", FAILED),
    ("cname-circle", FAILED),
    ("cname-self", FAILED),
    ("cname-endless", FAILED),
    ("label-of-200", FAILED),
    // Records beside NXDOMAIN, and records beyond what fits: either reading is sound.
    ("nxdomain-with-answers", &["", "resolve dns_failure"]),
    ("oversize-udp", &["", "resolve dns_failure"]),
    ("forged-flood", &["", "resolve dns_failure"]),
];
const FAILED: &[&str] = &["resolve dns_failure"];

/// The same for a block list of such a zone, as verdicts of the API.
const LISTS: &[(&str, &[&str])] = &[
    ("good", &["listed"]),
    ("many-a", &["listed"]),
    ("text", &["listed"]),
    ("ttl-zero", &["listed"]),
    ("ttl-2-31", &["listed"]),
    ("ttl-negative", &["listed"]),
    ("pointer-loop", &["unknown"]),
    ("counts-lie", &["unknown"]),
    ("wrong-id", &["unknown"]),
    ("wrong-question", &["unknown"]),
    ("wrong-owner", &["clean", "unknown"]),
    ("truncated-for-ever", &["unknown"]),
    ("cname-circle", &["clean", "unknown"]),
    ("cname-endless", &["clean", "unknown"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_name_servers_end_every_question_and_disturb_nobody() {
    let well = server([127, 0, 62, 1], Behaviour::plain());
    let port = well.address().port();
    let dns = start().await;
    let mut targets: Vec<String> = HOSTS
        .iter()
        .map(|(name, _)| {
            format!("{{name: {name}, host: \"{name}.hostile.test:{port}\", module: clear}}")
        })
        .collect();
    // As many mail exchangers as go into an answer, and each has as many addresses.
    targets.push("{name: many-mx, domain: many-mx.hostile.test, module: clear}".to_owned());
    targets.push(format!("{{name: healthy, host: \"{}\", module: plain}}", well.address()));
    let lists: String = LISTS
        .iter()
        .map(|(name, _)| {
            format!(
                "    - {{zone: {name}.bl.test, name: {name}, operator: {name}, min_gap: 0, \
                 subjects: [ip4], test_points: false}}\n"
            )
        })
        .collect();
    let more = format!(
        "dns: {{servers: [\"{dns}\"], timeout: 800ms}}\ndnsbl:\n  interval: 3s\n  timeout: 800ms\n  \
         servers: [\"{dns}\"]\n  subjects: [192.0.2.2]\n  lists:\n{lists}"
    );
    let text =
        config(&more, &targets).replace("  often:", "  plain: {tls: none, interval: 1s}\n  often:");
    let mut exporter = Exporter::start(&text).await;

    let started = Instant::now();
    let read = loop {
        let read = exporter.metrics().await;
        let told = |name: &str| probes(&read, name) >= 2.0;
        let asked = read.values("smtp_dnsbl_query_success", &[]).len() == LISTS.len();
        let all = HOSTS.iter().all(|(name, _)| told(name)) && told("many-mx") && asked;
        // A datagram that the flood of questions pushed out costs one round, and the next is right.
        if all && (wrong_ends(&read).is_empty() || started.elapsed() > Duration::from_secs(30)) {
            break read;
        }
        assert!(
            started.elapsed() < Duration::from_secs(40),
            "not all were told: {:?}",
            HOSTS.iter().filter(|(name, _)| !told(name)).collect::<Vec<_>>()
        );
        sleep(Duration::from_millis(100)).await;
    };
    let seconds = started.elapsed().as_secs_f64();
    let wrong = wrong_ends(&read);
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(ends(&read, "many-mx"), "connect connect_refused");
    let endpoints: f64 =
        read.values("smtp_target_endpoints", &[("target", "many-mx")]).iter().sum();
    println!("many-mx: {endpoints} endpoints, those left out counted");
    let probed = read.values("smtp_probe_success", &[("target", "many-mx")]).len();
    // A round that could not resolve the name at all has a row of its own beside the last endpoints.
    assert!((32..=33).contains(&probed), "{probed} endpoints");
    // One a second is due; an unoptimised program beside other tests may be late with some.
    let due = if optimised() { seconds * 0.8 - 3.0 } else { seconds / 3.0 - 1.0 };
    assert!(probes(&read, "healthy") > due, "{}", probes(&read, "healthy"));

    let answer = exporter.get("/api/v1/listings").await;
    let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    for row in json["data"]["listings"].as_array().unwrap() {
        let name = row["list"].as_str().unwrap();
        let (_, expected) = LISTS.iter().find(|(list, _)| *list == name).unwrap();
        assert!(expected.contains(&row["verdict"].as_str().unwrap()), "{name}: {row}");
        assert!(row["codes"].as_array().unwrap().len() <= 64, "{row}");
        let texts = row["texts"].as_array().unwrap();
        assert!(texts.len() <= 8, "{row}");
        for text in texts {
            let text = text.as_str().unwrap();
            assert!(text.len() <= 512, "{} bytes", text.len());
            let wild = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2066}');
            assert!(!text.contains(wild), "{text:?}");
        }
        assert_eq!(texts.is_empty(), name != "text", "{row}");
    }
    bounded(&mut exporter, &read).await;
}

/// The server, over UDP and TCP.
async fn start() -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            for bytes in Question::read(&buffer[..length]).answers(false) {
                // A datagram too large for the system is one that does not come.
                let _ = udp.send_to(&bytes, from).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            tokio::spawn(async move {
                let length = stream.read_u16().await?;
                let mut bytes = vec![0; usize::from(length)];
                stream.read_exact(&mut bytes).await?;
                let question = Question::read(&bytes);
                for bytes in question.answers(true) {
                    let stops = question.zone == "tcp-stops";
                    let length = if stops { u16::MAX } else { bytes.len().try_into().unwrap() };
                    stream.write_u16(length).await?;
                    stream.write_all(&bytes).await?;
                }
                // Whoever waits for more waits until he goes.
                stream.read_u8().await
            });
        }
    });
    address
}

struct Question {
    id: [u8; 2],
    /// Name, type and class as they came.
    raw: Vec<u8>,
    labels: Vec<String>,
    kind: u16,
    /// The third label from the right.
    zone: String,
    /// It is asked of a block list.
    list: bool,
}

impl Question {
    fn read(bytes: &[u8]) -> Self {
        let mut labels = Vec::new();
        let mut at = 12;
        while bytes[at] > 0 {
            let end = at + 1 + usize::from(bytes[at]);
            labels.push(String::from_utf8_lossy(&bytes[at + 1..end]).to_lowercase());
            at = end;
        }
        let raw = bytes[12..at + 5].to_vec();
        let kind = u16::from_be_bytes([bytes[at + 1], bytes[at + 2]]);
        let zone = labels.iter().rev().nth(2).cloned().unwrap_or_default();
        let list = labels.iter().rev().nth(1).is_some_and(|label| label == "bl");
        Self { id: [bytes[0], bytes[1]], raw, labels, kind, zone, list }
    }

    /// The datagrams, or the messages of the connection.
    fn answers(&self, tcp: bool) -> Vec<Vec<u8>> {
        let address = if self.list { [127, 0, 0, 2] } else { [127, 0, 62, 1] };
        let good = |ttl: u32| record(&OWNER, A, ttl, &address);
        let alias = |to: &[u8]| record(&OWNER, CNAME, 5, to);
        let one = |records: Vec<Vec<u8>>| vec![self.message(0, &records)];
        // Other types have no record, where the zone does not say otherwise.
        if self.kind != A && !matches!((&*self.zone, self.kind), ("many-mx", MX) | ("text", TXT)) {
            return vec![self.message(0, &[])];
        }
        match self.zone.as_str() {
            "good" => one(vec![good(5)]),
            "text" if self.kind == A => one(vec![good(5)]),
            "text" if !tcp => vec![self.message(TRUNCATED, &[])],
            "text" => one((0..60_u8).map(text).collect()),
            "ttl-zero" => one(vec![good(0)]),
            "ttl-2-31" => one(vec![good(1 << 31)]),
            "ttl-negative" => one(vec![good(u32::MAX)]),
            "many-mx" | "many-a" if !tcp => vec![self.message(TRUNCATED, &[])],
            "many-mx" if self.kind == MX => one((0..3000).map(exchanger).collect()),
            "many-mx" | "many-a" => {
                let many = (0..4000_u16).map(|n| {
                    let [high, low] = n.to_be_bytes();
                    record(&OWNER, A, 5, &[127, if self.list { 0 } else { 1 }, high, low])
                });
                one(many.collect())
            }
            // The name of the record is a pointer to itself, and one behind the end.
            "pointer-loop" => {
                let here = u16::try_from(12 + self.raw.len()).unwrap() | 0xc000;
                one(vec![record(&here.to_be_bytes(), A, 5, &address)])
            }
            "pointer-ahead" => one(vec![record(&[0xff, 0xff], A, 5, &address)]),
            "counts-lie" => {
                let mut bytes = self.message(0, &[good(5)]);
                bytes[6..12].fill(0xff);
                vec![bytes]
            }
            "short" => vec![self.id.to_vec()],
            "empty" => vec![Vec::new()],
            "wrong-id" => {
                let mut bytes = self.message(0, &[good(5)]);
                bytes[0] ^= 0xff;
                vec![bytes]
            }
            "wrong-question" => {
                let mut bytes = self.message(0, &[good(5)]);
                bytes[13] ^= 1;
                vec![bytes]
            }
            "wrong-owner" => one(vec![record(b"\x05other\x04test\0", A, 5, &address)]),
            "truncated-for-ever" => vec![self.message(TRUNCATED, &[])],
            "tcp-stops" => vec![self.message(if tcp { 0 } else { TRUNCATED }, &[good(5)])],
            "cname-self" => one(vec![alias(&OWNER)]),
            "cname-circle" => {
                let other = [b"\x01x", &OWNER[..]].concat();
                one(vec![alias(&other), record(&other, CNAME, 5, &OWNER)])
            }
            // Each alias leads to one that nobody asked for yet.
            "cname-endless" => one(vec![alias(&[b"\x01x", &OWNER[..]].concat())]),
            "label-of-200" => one(vec![alias(&[&[200][..], &[b'x'; 200], b"\0"].concat())]),
            "nxdomain-with-answers" => vec![self.message(NXDOMAIN, &[good(5)])],
            "oversize-udp" => one(vec![good(5); 3000]),
            "forged-flood" => {
                let mut all: Vec<Vec<u8>> = (0..2000_u16)
                    .map(|n| {
                        let forged = record(&OWNER, A, 5, &[127, 0, 62, 99]);
                        let mut bytes = self.message(0, &[forged]);
                        bytes[..2].copy_from_slice(&n.to_be_bytes());
                        bytes
                    })
                    .filter(|bytes| bytes[..2] != self.id)
                    .collect();
                all.push(self.message(0, &[good(5)]));
                all
            }
            _ => vec![self.message(NXDOMAIN, &[])],
        }
    }

    fn message(&self, flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
        assert!(!self.labels.is_empty() || records.is_empty());
        let flags = (RESPONSE | flags).to_be_bytes();
        let count = u16::try_from(records.len()).unwrap().to_be_bytes();
        let head = [&self.id[..], &flags, &[0, 1], &count, &[0; 4], &self.raw].concat();
        [head, records.concat()].concat()
    }
}

/// Names that did not end as they must.
fn wrong_ends(read: &Exposition) -> Vec<String> {
    let well: (&str, &[&str]) = ("healthy", &[""]);
    std::iter::once(&well)
        .chain(HOSTS)
        .map(|(name, expected)| (name, ends(read, name), expected))
        .filter(|(_, end, expected)| !expected.contains(&end.as_str()))
        .map(|(name, end, expected)| format!("{name}: {end:?} and not {expected:?}"))
        .collect()
}

fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [owner, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length, data].concat()
}

/// One of thousands of exchangers: 20 bytes, so that they go into one message.
fn exchanger(number: u16) -> Vec<u8> {
    let name = format!("{number:x}");
    let mut data = number.to_be_bytes().to_vec();
    data.push(u8::try_from(name.len()).unwrap());
    data.extend(name.as_bytes());
    data.extend(OWNER);
    record(&OWNER, MX, 5, &data)
}

/// A text of four full strings: control characters, another direction of writing, no UTF-8.
fn text(number: u8) -> Vec<u8> {
    let wild = format!("{number} \u{1b}[2J\r\n\u{202e}drow\u{2066}\0");
    let mut string = wild.into_bytes();
    string.resize(255, 0xfe);
    let mut data = vec![255];
    data.extend(&string);
    record(&OWNER, TXT, 5, &data.repeat(4))
}

/// A pointer to the name in the question.
const OWNER: [u8; 2] = [0xc0, 12];
/// An answer, and recursion is available.
const RESPONSE: u16 = 0x8180;
const TRUNCATED: u16 = 0x0200;
const NXDOMAIN: u16 = 3;
