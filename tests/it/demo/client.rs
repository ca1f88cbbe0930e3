//! A client made by hand. It shares nothing with the product's, so that the servers are judged by
//! something else than what they shall test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_exporter::demo::{Authority, Behaviour, Server, Stats};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// A client that says what it is told and reads replies line by line.
pub(super) struct Client<S> {
    pub(super) stream: BufReader<S>,
}

impl Client<TcpStream> {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(tcp) }
    }

    /// STARTTLS and a handshake that trusts the demo's authority.
    pub(super) async fn starttls(
        mut self,
    ) -> Result<Client<tokio_rustls::client::TlsStream<TcpStream>>, String> {
        assert_eq!(self.ask("STARTTLS").await, ["220 2.0.0 Ready to start TLS"]);
        handshake(self.stream.into_inner()).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// One reply, all lines of it. Empty at the end of the stream.
    pub(super) async fn reply(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match within(self.stream.read_line(&mut line)).await {
                Ok(0) | Err(_) => return lines,
                Ok(_) => lines.push(line.trim_end().to_owned()),
            }
            if lines.last().is_some_and(|line| line.as_bytes().get(3) != Some(&b'-')) {
                return lines;
            }
        }
    }

    pub(super) async fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(super) async fn ask(&mut self, line: &str) -> Vec<String> {
        self.say(line).await;
        self.reply().await
    }

    pub(super) async fn code(&mut self, line: &str) -> String {
        let reply = self.ask(line).await;
        reply.last().map_or_else(|| "end".to_owned(), |line| line[..3].to_owned())
    }

    /// Everything up to the end of the stream, or the error that ended it.
    pub(super) async fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        within(self.stream.read_to_end(&mut bytes)).await.map(|_| bytes)
    }

    pub(super) async fn quit(mut self) {
        assert_eq!(self.code("QUIT").await, "221");
        assert_eq!(self.rest().await.unwrap(), b"");
    }
}

pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future).await.expect("within ten seconds")
}

pub(super) async fn handshake(
    tcp: TcpStream,
) -> Result<Client<tokio_rustls::client::TlsStream<TcpStream>>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(Authority::shared().unwrap().root().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("mail.demo.test").unwrap();
    let tls = within(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await;
    tls.map(|tls| Client { stream: BufReader::new(tls) }).map_err(|error| error.to_string())
}

pub(super) fn start(behaviour: Behaviour) -> Server {
    Server::start("127.0.0.1:0".parse().unwrap(), behaviour).unwrap()
}

/// A server and a client that has not read anything yet.
pub(super) async fn with(behaviour: Behaviour) -> (Server, Client<TcpStream>) {
    let server = start(behaviour);
    let client = Client::connect(server.address()).await;
    (server, client)
}

/// A server, and a client that was greeted and said EHLO.
pub(super) async fn greeted(behaviour: Behaviour) -> (Server, Client<TcpStream>, Vec<String>) {
    let (server, mut client) = with(behaviour).await;
    assert_eq!(client.reply().await, ["220 mail.demo.test ESMTP"]);
    let capabilities = client.ask("EHLO probe.demo.test").await;
    (server, client, capabilities)
}

/// The counts, once they are as wanted: a session ends a moment after the client has seen the end.
pub(super) async fn counted(server: &Server, wanted: impl Fn(&Stats) -> bool) -> Stats {
    for _ in 0..500 {
        let stats = server.stats();
        if wanted(&stats) {
            return stats;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never came: {:?}", server.stats());
}

pub(super) fn offers(capabilities: &[String], keyword: &str) -> bool {
    capabilities.iter().any(|line| line.get(4..).is_some_and(|rest| rest.starts_with(keyword)))
}
