//! A DNS server that says what a test wants, on UDP and TCP of one port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, SOA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What the server says to a question.
pub(crate) enum Say {
    Records(Vec<Record>),
    Code(ResponseCode),
    Nodata,
    /// NODATA with these authorities.
    Denied(Vec<Record>),
    Referral,
    /// Over UDP a truncated answer, over TCP the records.
    OverTcp(Vec<Record>),
    Garbage,
    Nothing,
}

/// A running server. It ends with the test's runtime.
pub(crate) struct FakeDns {
    pub(crate) address: SocketAddr,
    questions: Arc<AtomicUsize>,
}

impl FakeDns {
    pub(crate) async fn start(
        say: impl Fn(&str, RecordType) -> Say + Send + Sync + 'static,
    ) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        let say = Arc::new(say);
        let questions = Arc::new(AtomicUsize::new(0));
        let (heard, count) = (say.clone(), questions.clone());
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                count.fetch_add(1, Ordering::Relaxed);
                if let Some(bytes) = reply(&buffer[..length], &*heard, false) {
                    udp.send_to(&bytes, from).await.unwrap();
                }
            }
        });
        let count = questions.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let length = stream.read_u16().await.unwrap();
                let mut question = vec![0; usize::from(length)];
                stream.read_exact(&mut question).await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                if let Some(bytes) = reply(&question, &*say, true) {
                    stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
                    stream.write_all(&bytes).await.unwrap();
                }
            }
        });
        Self { address, questions }
    }

    /// Questions that came, retransmissions and TCP included.
    pub(crate) fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }
}

fn reply(
    question: &[u8],
    say: &(impl Fn(&str, RecordType) -> Say + ?Sized),
    tcp: bool,
) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).unwrap();
    let query = asked.queries[0].clone();
    let text = query.name().to_ascii();
    let said = say(if text == "." { "." } else { text.trim_end_matches('.') }, query.query_type());
    let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_available = true;
    answer.add_query(query);
    match said {
        Say::Nothing => return None,
        Say::Garbage => {
            let mut bytes = answer.to_vec().unwrap();
            bytes.truncate(13);
            return Some(bytes);
        }
        Say::Records(records) => drop(answer.add_answers(records)),
        Say::OverTcp(records) if tcp => drop(answer.add_answers(records)),
        Say::OverTcp(_) => answer.metadata.truncation = true,
        Say::Code(code) => {
            answer.metadata.response_code = code;
            if code == ResponseCode::NXDomain {
                answer.add_authority(soa());
            }
        }
        Say::Denied(authorities) => drop(answer.add_authorities(authorities)),
        Say::Nodata => drop(answer.add_authority(soa())),
        Say::Referral => drop(answer.add_authority(Record::from_rdata(
            name("test"),
            60,
            RData::NS(NS(name("ns.example.test"))),
        ))),
    }
    Some(answer.to_vec().unwrap())
}

pub(crate) fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

pub(crate) fn a(owner: &str, address: &str) -> Record {
    Record::from_rdata(name(owner), 60, RData::A(A(address.parse().unwrap())))
}

pub(crate) fn aaaa(owner: &str, address: &str) -> Record {
    Record::from_rdata(name(owner), 60, RData::AAAA(AAAA(address.parse().unwrap())))
}

pub(crate) fn cname(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))))
}

pub(crate) fn mx(owner: &str, preference: u16, exchange: &str) -> Record {
    Record::from_rdata(name(owner), 60, RData::MX(MX::new(preference, name(exchange))))
}

fn soa() -> Record {
    let soa = SOA::new(name("ns.test"), name("hostmaster.test"), 1, 60, 60, 60, 1);
    Record::from_rdata(name("test"), 60, RData::SOA(soa))
}
