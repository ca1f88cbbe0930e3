//! Questions to DNS block lists: see [`Client`].

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::time::Instant;

use super::dns::system_servers;
use super::question::{Server, follow};
use crate::dnsbl::Reply;

/// Asks for names below the zones of block lists. It keeps no answers.
///
/// One server is asked at a time, in the order given, and the next one only when a server was silent
/// or could not be reached: REFUSED, SERVFAIL and every other answer is one, and asking another
/// server would be the same question again. All servers share one timeout; a server that is silent
/// gets the question again within its share (hickory's retransmissions). A truncated answer is asked
/// for over TCP, aliases are followed.
///
/// # Why errors have texts of their own
///
/// A library's error names the question, and the name asked for may hold a key. So nothing of an
/// error is passed on but what kind it is.
pub struct Client {
    servers: Vec<Server>,
    timeout: Duration,
}

impl Client {
    /// A client of `servers`, or of those of `/etc/resolv.conf` as it is now when there are none.
    /// `timeout` bounds one question as a whole.
    ///
    /// # Errors
    ///
    /// A text for a person when the resolver cannot be built.
    pub fn new(servers: &[SocketAddr], timeout: Duration) -> Result<Self, String> {
        let addresses = if servers.is_empty() { system_servers() } else { servers.to_vec() };
        let servers = addresses
            .into_iter()
            .map(|address| Server::keeping_nothing(address, timeout))
            .collect::<Result<_, _>>()?;
        Ok(Self { servers, timeout })
    }

    /// The A records of a name, given without the trailing dot: at most [`MAX_ADDRESSES`].
    pub async fn addresses(&self, name: &str) -> Reply {
        let (asked, outcome) = match self.ask(name, RecordType::A).await {
            Ok(answer) => answer,
            Err(reply) => return reply,
        };
        let answers = match outcome {
            Ok(answers) => answers,
            Err(error) => return reply_to(&error),
        };
        let ttl = shortest(&answers);
        let Some(found) = follow(&asked, RecordType::A, &answers) else {
            // Aliases that lead to no address.
            return Reply::Nothing(ttl);
        };
        let addresses: Vec<Ipv4Addr> = found
            .records
            .iter()
            .filter_map(|data| match data {
                RData::A(address) => Some(address.0),
                _ => None,
            })
            .take(MAX_ADDRESSES)
            .collect();
        Reply::Addresses(addresses, ttl)
    }

    /// The texts of a name, for a person: at most [`MAX_TEXTS`], each printable and at most
    /// [`MAX_TEXT_BYTES`] long. None when there are none, and also when the question failed.
    pub async fn texts(&self, name: &str) -> Vec<String> {
        let Ok((asked, Ok(answers))) = self.ask(name, RecordType::TXT).await else {
            return Vec::new();
        };
        let Some(found) = follow(&asked, RecordType::TXT, &answers) else { return Vec::new() };
        let mut texts: Vec<String> = found
            .records
            .iter()
            .filter_map(|data| match data {
                RData::TXT(text) => Some(printable(text)),
                _ => None,
            })
            .filter(|text| !text.is_empty())
            .take(MAX_TEXTS)
            .collect();
        // Servers rotate records, and a text that moved is no news.
        texts.sort();
        texts.dedup();
        texts
    }

    /// One question to one server after the other; the name is refused when it is none.
    async fn ask(
        &self,
        name: &str,
        kind: RecordType,
    ) -> Result<(Name, Result<Vec<Record>, NetError>), Reply> {
        let asked = absolute(name)?;
        let deadline = Instant::now() + self.timeout;
        let mut outcome = Err(NetError::NoConnections);
        for (turn, server) in self.servers.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let shares = u32::try_from(self.servers.len() - turn).unwrap_or(1);
            let answer = server.lookup(&asked, kind, left / shares.max(1)).await;
            outcome = answer.map(|lookup| lookup.answers().to_vec());
            let unheard = matches!(
                outcome,
                Err(NetError::Timeout | NetError::Io(_) | NetError::NoConnections)
            );
            if !unheard {
                break;
            }
        }
        Ok((asked, outcome))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let servers: Vec<SocketAddr> = self.servers.iter().map(|server| server.address).collect();
        f.debug_struct("Client").field("servers", &servers).field("timeout", &self.timeout).finish()
    }
}

/// The name with its final dot. Names that the library answers by itself (RFC 6761, RFC 7686) are not
/// asked for: what it says of them says nothing of a list.
fn absolute(name: &str) -> Result<Name, Reply> {
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if matches!(last.as_str(), "invalid" | "onion" | "localhost") {
        return Err(Reply::Other("the zone is below a reserved name and never exists".to_owned()));
    }
    let mut asked = Name::from_ascii(name)
        .map_err(|_| Reply::Other("subject and zone make no valid DNS name".to_owned()))?;
    asked.set_fqdn(true);
    Ok(asked)
}

/// What the library's error means.
fn reply_to(error: &NetError) -> Reply {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Reply::Nothing(negative_ttl(none)),
            ResponseCode::NoError if none.ns.is_some() && none.soa.is_none() => Reply::Other(
                "the server answered with a referral: it does not look names up for us".to_owned(),
            ),
            ResponseCode::NoError => Reply::Nothing(negative_ttl(none)),
            code => reply_to_code(code),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => reply_to_code(*code),
        NetError::Timeout => Reply::Timeout,
        NetError::Io(error) => Reply::Other(format!("the server cannot be asked: {error}")),
        NetError::NoConnections => {
            Reply::Other("the server cannot be asked: no connection to it".to_owned())
        }
        _ => Reply::Other("the server gave no usable answer".to_owned()),
    }
}

fn reply_to_code(code: ResponseCode) -> Reply {
    match code {
        ResponseCode::Refused => Reply::Refused,
        ResponseCode::ServFail => Reply::Servfail,
        ResponseCode::NXDomain => Reply::Nothing(Duration::ZERO),
        ResponseCode::FormErr => Reply::Other("the server answered FORMERR".to_owned()),
        ResponseCode::NotImp => Reply::Other("the server answered NOTIMP".to_owned()),
        other => Reply::Other(format!("the server answered code {}", u16::from(other))),
    }
}

/// How long an answer of nothing holds: the SOA record says (RFC 2308, 5); without one, not at all.
fn negative_ttl(none: &NoRecords) -> Duration {
    Duration::from_secs(none.negative_ttl.unwrap_or(0).into())
}

/// The answer holds as long as its shortest-lived record, aliases among them.
fn shortest(answers: &[Record]) -> Duration {
    let seconds = answers.iter().map(|record| record.ttl).min().unwrap_or(0);
    Duration::from_secs(seconds.into())
}

/// The strings of one record as one line (RFC 5782, 2.1: they belong together). What could move a
/// terminal's cursor, or turn the direction of writing, becomes a question mark.
fn printable(text: &TXT) -> String {
    let bytes: Vec<u8> = text
        .txt_data
        .iter()
        .flat_map(|part| part.iter().copied())
        .take(MAX_TEXT_BYTES * 2)
        .collect();
    let mut shown = String::new();
    for c in String::from_utf8_lossy(&bytes).chars() {
        let c = match c {
            '\t' => ' ',
            c if c.is_control() => '?',
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
            c => c,
        };
        if shown.len() + c.len_utf8() > MAX_TEXT_BYTES {
            break;
        }
        shown.push(c);
    }
    shown.trim().to_owned()
}

/// Addresses taken from one answer.
pub const MAX_ADDRESSES: usize = 64;
/// Texts taken from one answer.
pub const MAX_TEXTS: usize = 8;
/// Bytes taken from one text.
pub const MAX_TEXT_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: Vec<&[u8]>) -> String {
        printable(&TXT::from_bytes(parts))
    }

    #[test]
    fn texts_are_one_printable_line_and_bounded() {
        assert_eq!(
            text(vec![b"see https://", b"example.test/?ip=1"]),
            "see https://example.test/?ip=1"
        );
        assert_eq!(text(vec![b"a\r\nb\x1b[2Jc\td\xff"]), "a??b?[2Jc d\u{fffd}");
        assert_eq!(text(vec!["left\u{202e}right".as_bytes()]), "left?right");
        let long = vec![b'x'; 255];
        assert_eq!(text(vec![&long; 40]).len(), MAX_TEXT_BYTES);
        // Three bytes each, once made of a byte that is no UTF-8: never cut inside one.
        let wrong = [0xff; 255];
        assert_eq!(text(vec![&wrong; 3]).len(), 510);
    }

    #[test]
    fn names_that_are_answered_inside_are_not_asked_for() {
        for name in ["2.0.0.127.bl.invalid", "2.0.0.127.bl.localhost", "2.0.0.127.BL.Onion"] {
            assert!(matches!(absolute(name), Err(Reply::Other(_))), "{name}");
        }
        assert!(absolute("INVALID.dbl.example.test").is_ok());
    }

    #[test]
    fn errors_do_not_tell_the_name() {
        let key = "secretkey";
        let long = format!("{key}.{}", "x".repeat(70));
        let Err(Reply::Other(text)) = absolute(&long) else { panic!("a label of 70 is none") };
        assert!(!text.contains(key), "{text}");
        for error in [NetError::Message("secretkey.zone.test"), NetError::Busy] {
            let reply = format!("{:?}", reply_to(&error));
            assert!(!reply.contains(key), "{reply}");
        }
    }
}
