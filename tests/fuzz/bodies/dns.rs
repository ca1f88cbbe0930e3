//! Answers of a hostile DNS server, over a socket: whatever they hold, what is taken of them is
//! bounded and fit to be shown, and the wait ends.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use smtp_exporter::dnsbl::Reply;
use smtp_exporter::net::dns::{MAX_MAIL_EXCHANGERS, Resolver};
use smtp_exporter::net::listing::{Client, MAX_ADDRESSES, MAX_TEXT_BYTES, MAX_TEXTS};
use smtp_exporter::target::Family;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// The first byte chooses what is asked for; the rest is the server's answer behind its number:
/// flags, then three counts, then what stands behind the question, which is repeated as it came.
pub fn run(data: &[u8]) {
    let ([chosen], answer) = super::choices(data);
    // The server has one answer at a time.
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *ANSWER.lock().expect("no panic inside") = answer.to_vec();
    let began = Instant::now();
    RUNTIME.block_on(ask(chosen));
    drop(turn);
    assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());
}

async fn ask(chosen: u8) {
    let servers = [*SERVER];
    let resolver = || Resolver::new(&servers, WAIT).expect("a resolver");
    match chosen % 4 {
        0 => {
            let client = Client::new(&servers, WAIT).expect("a client");
            match client.addresses(NAME).await {
                Reply::Addresses(found, _) => assert!((1..=MAX_ADDRESSES).contains(&found.len())),
                Reply::Other(text) => super::assert_one_line(&text),
                _ => {}
            }
        }
        1 => {
            let texts = Client::new(&servers, WAIT).expect("a client").texts(NAME).await;
            assert!(texts.len() <= MAX_TEXTS && texts.is_sorted_by(|a, b| a < b));
            for text in texts {
                super::assert_one_line(&text);
                assert!((1..=MAX_TEXT_BYTES).contains(&text.len()), "{text}");
            }
        }
        2 => match resolver().mail_exchangers(NAME).await {
            Ok(found) => {
                assert!(found.hosts.len() <= MAX_MAIL_EXCHANGERS && !found.hosts.is_empty());
                for (_, host) in &found.hosts {
                    assert!(host.len() <= 1024 && host.is_ascii() && !host.ends_with('.'));
                    super::assert_one_line(host);
                }
                found.notes.iter().for_each(|note| super::assert_one_line(note));
            }
            Err(failure) => super::assert_one_line(&failure.detail),
        },
        _ => match resolver().host(NAME, &[Family::Ipv4]).await {
            Ok(host) => {
                assert!(!host.addresses.is_empty() && host.addresses.is_sorted_by(|a, b| a < b));
                host.canonical.iter().for_each(|name| super::assert_one_line(name));
            }
            Err(failure) => super::assert_one_line(&failure.detail),
        },
    }
}

const NAME: &str = "mx.example.test";
/// For an answer that is none.
const WAIT: Duration = Duration::from_millis(40);
/// The control question takes a second more.
const LONGEST: Duration = Duration::from_secs(10);

static TURN: Mutex<()> = Mutex::new(());
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut heard = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut heard) {
            let said = said(&heard[..length], &ANSWER.lock().expect("no panic inside"));
            let _ = socket.send_to(&said, from);
        }
    });
    address
});
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
});

/// A message with the question's number, an answer's flag, and the question itself (RFC 1035, 4.1).
fn said(question: &[u8], answer: &[u8]) -> Vec<u8> {
    let header = |at: usize| answer.get(at).copied().unwrap_or(0);
    let mut message = question.get(..2).unwrap_or_default().to_vec();
    message.extend([header(0) | 0x80, header(1), 0, 1]);
    message.extend((2..8).map(header));
    // The question ends behind its type and class; what the client adds behind it is left out.
    let name = question.get(12..).unwrap_or_default();
    let end = name.iter().position(|byte| *byte == 0).map_or(name.len(), |at| at + 5);
    message.extend(name.iter().take(end));
    message.extend(answer.iter().skip(8).take(1200));
    message
}
