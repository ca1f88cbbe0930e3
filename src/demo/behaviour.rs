//! What a server of the demo does, as data: presets by name, and parts that compose.

use std::collections::BTreeMap;
use std::time::Duration;

use super::auth::Auth;
use super::limit::Limits;
use super::tls::Certificate;

/// A server's behaviour. Presets are the named functions; everything can be changed after.
///
/// What is answered at a [`Point`] is the default for the fields below, unless [`Behaviour::on`]
/// says otherwise for that point.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// The server's name in greeting and EHLO; fills `{name}` in [`Step::Text`].
    pub name: String,
    /// Scripts that replace what would be done at a point.
    pub script: BTreeMap<Point, Vec<Step>>,
    /// EHLO keywords besides STARTTLS and AUTH.
    pub keywords: Vec<String>,
    /// What stands in the EHLO response where STARTTLS belongs. None: nothing.
    pub starttls_keyword: Option<String>,
    /// What the server does about TLS, after STARTTLS or from the first byte.
    pub tls: Tls,
    /// TLS from the first byte (RFC 8314).
    pub implicit_tls: bool,
    /// Whom AUTH lets in. None: no AUTH.
    pub auth: Option<Auth>,
    /// MAIL is refused until TLS stands.
    pub require_tls: bool,
    /// MAIL is refused until somebody is logged in.
    pub require_auth: bool,
    /// EHLO is not known (502), HELO is.
    pub helo_only: bool,
    /// Domains that mail is taken for; `None` takes everything, as an open relay does. The
    /// postmaster and whoever logged in are always served.
    pub domains: Option<Vec<String>>,
    /// Simultaneous sessions per client address; the next one is refused with 421.
    pub sessions_per_client: Option<usize>,
    /// Sessions per minute, and what the one too many meets.
    pub limits: Limits,
    /// Simultaneous sessions altogether; the next one is refused with 421.
    pub max_sessions: usize,
    /// RCPT is refused until the same client, sender and recipient come again after so long.
    pub greylist: Option<Duration>,
    /// Refuse, with 554 and at once, who speaks before the greeting is complete or sends input
    /// ahead of a reply without having been offered PIPELINING (RFC 2920). Counted in any case.
    pub police: bool,
    /// Leave Nagle's algorithm on, as many servers do: a reply behind the session tickets of TLS 1.3
    /// then waits for the client's acknowledgement, which the client's kernel may delay by 40 ms.
    pub nagle: bool,
    /// How long a client may be silent (RFC 5321, 4.5.3.2.7 grants 5 minutes).
    pub idle: Duration,
}

closed_enum! {
    /// Where in a session a script can stand.
    pub enum Point {
        /// The connection was accepted; before TLS and before the greeting.
        Connect => "connect",
        /// The greeting.
        Greeting => "greeting",
        /// EHLO in clear.
        Ehlo => "ehlo",
        /// EHLO inside TLS.
        EhloTls => "ehlo_tls",
        /// HELO.
        Helo => "helo",
        /// STARTTLS. A script that begins with a 2xx is followed by the handshake.
        Starttls => "starttls",
        /// The AUTH command. A script takes the place of the whole exchange.
        Auth => "auth",
        /// MAIL FROM.
        Mail => "mail",
        /// RCPT TO.
        Rcpt => "rcpt",
        /// DATA.
        Data => "data",
        /// RSET.
        Rset => "rset",
        /// NOOP.
        Noop => "noop",
        /// QUIT. The session ends after the script.
        Quit => "quit",
        /// Any other line.
        Other => "other",
    }
}

/// One thing that a server does. A script is a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write a text; CRLF is added, `{name}` and `{client}` are filled in.
    Text(String),
    /// Write bytes as they are.
    Bytes(Vec<u8>),
    /// Write bytes one at a time with a pause behind each.
    Drip(Vec<u8>, Duration),
    /// Write the bytes again and again until the client goes away.
    Flood(Vec<u8>),
    /// Wait.
    Wait(Duration),
    /// Say nothing any more; the client has to go.
    Silence,
    /// Close in order (FIN).
    Close,
    /// Close with a reset (RST).
    Reset,
}

impl Step {
    /// A reply of several lines with one code, as one write.
    pub fn reply(code: u16, lines: &[&str]) -> Self {
        let last = lines.len().saturating_sub(1);
        let text: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(i, line)| format!("{code}{}{line}", if i == last { ' ' } else { '-' }))
            .collect();
        Self::Text(text.join("\r\n"))
    }

    /// The first byte that this step writes, if it writes.
    pub(super) fn first_byte(&self) -> Option<u8> {
        match self {
            Self::Text(text) => text.bytes().next(),
            Self::Bytes(bytes) | Self::Drip(bytes, _) | Self::Flood(bytes) => {
                bytes.first().copied()
            }
            _ => None,
        }
    }
}

/// What a server does when TLS shall start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// There is none: STARTTLS is an unknown command.
    Off,
    /// TLS 1.2 and 1.3 with this certificate.
    Modern(Certificate),
    /// Old software: nothing newer than this version, RSA key exchange only. It answers as far as
    /// the certificate, in clear, and never finishes a handshake.
    Legacy(LegacyVersion),
    /// No answer to the ClientHello.
    Stall,
}

closed_enum! {
    /// What old software speaks: two versions that current clients refuse (RFC 8996), and one whose
    /// suites they refuse.
    pub enum LegacyVersion {
        /// TLS 1.0.
        Tls10 => "TLS1.0",
        /// TLS 1.1.
        Tls11 => "TLS1.1",
        /// TLS 1.2.
        Tls12 => "TLS1.2",
    }
}

impl Behaviour {
    /// STARTTLS with a good certificate, AUTH inside TLS only, mail for `demo.test` only.
    pub fn healthy() -> Self {
        Self {
            name: "mail.demo.test".to_owned(),
            script: BTreeMap::new(),
            keywords: [
                "PIPELINING",
                "SIZE 10240000",
                "ENHANCEDSTATUSCODES",
                "8BITMIME",
                "SMTPUTF8",
            ]
            .map(str::to_owned)
            .to_vec(),
            starttls_keyword: Some("STARTTLS".to_owned()),
            tls: Tls::Modern(Certificate::Good),
            implicit_tls: false,
            auth: Some(Auth::default()),
            require_tls: false,
            require_auth: false,
            helo_only: false,
            domains: Some(vec!["demo.test".to_owned()]),
            sessions_per_client: None,
            limits: Limits::default(),
            max_sessions: 1000,
            greylist: None,
            police: false,
            nagle: false,
            idle: Duration::from_secs(300),
        }
    }

    /// SMTP in clear and nothing else: the cheapest server, for tests with thousands of targets.
    pub fn plain() -> Self {
        Self { auth: None, max_sessions: 8192, ..Self::healthy().without_starttls() }
    }

    /// The greeting comes after `delay`.
    pub fn slow_greeting(delay: Duration) -> Self {
        Self::healthy().on(Point::Greeting, [Step::Wait(delay), Step::Text(GREETING.to_owned())])
    }

    /// The greeting comes one byte at a time.
    pub fn dripped_greeting(gap: Duration) -> Self {
        Self::healthy()
            .on(Point::Greeting, [Step::Drip(b"220 mail.demo.test ESMTP\r\n".to_vec(), gap)])
    }

    /// A first line at once, the rest after `delay`, and no patience with who speaks in between:
    /// what Postfix's postscreen does.
    pub fn teaser(delay: Duration) -> Self {
        let script = [
            Step::Text("220-{name} ESMTP please wait".to_owned()),
            Step::Wait(delay),
            Step::Text(GREETING.to_owned()),
        ];
        Self::healthy().on(Point::Greeting, script).policed()
    }

    /// Every session is one too many.
    pub fn too_many_connections() -> Self {
        Self::connection_limit(0)
    }

    /// So many sessions at once per client, then 421.
    pub fn connection_limit(sessions: usize) -> Self {
        Self { sessions_per_client: Some(sessions), ..Self::healthy() }
    }

    /// 421 at the greeting: the service goes down.
    pub fn shutting_down() -> Self {
        Self::refusing("421 4.3.2 {name} Service shutting down")
    }

    /// 554 at the greeting; the server then waits for QUIT (RFC 5321, 3.1).
    pub fn no_service() -> Self {
        Self::healthy().on(
            Point::Greeting,
            [Step::Text("554 5.7.1 {name} no service for {client} here".to_owned())],
        )
    }

    /// The line instead of a greeting, then the end.
    pub fn refusing(line: &str) -> Self {
        Self::healthy().on(Point::Greeting, [Step::Text(line.to_owned()), Step::Close])
    }

    /// RCPT is refused with 450 until it comes again after `delay`.
    pub fn greylisting(delay: Duration) -> Self {
        Self { greylist: Some(delay), ..Self::healthy() }
    }

    /// STARTTLS with this certificate.
    pub fn with_certificate(certificate: Certificate) -> Self {
        Self { tls: Tls::Modern(certificate), ..Self::healthy() }
    }

    /// STARTTLS is not offered and not known; AUTH is gone with it.
    pub fn starttls_missing() -> Self {
        Self::healthy().without_starttls()
    }

    /// Something on the way wrote over the keyword, as Cisco's inspection does.
    pub fn starttls_mangled() -> Self {
        Self { starttls_keyword: Some("XXXXXXXA".to_owned()), ..Self::healthy().without_starttls() }
    }

    /// Something on the way took the keyword out and starred the banner.
    pub fn starttls_starred() -> Self {
        Self::starttls_missing()
            .on(Point::Greeting, [Step::Text(format!("220 {}2{}", "*".repeat(18), "*".repeat(9)))])
    }

    /// STARTTLS is offered and refused with 454 (RFC 3207, 4).
    pub fn starttls_unavailable() -> Self {
        Self::healthy().on(
            Point::Starttls,
            [Step::Text("454 4.7.0 TLS not available due to local problem".to_owned())],
        )
    }

    /// A reply in clear stands behind the answer to STARTTLS (the class of CVE-2011-0411).
    pub fn starttls_injected() -> Self {
        Self::healthy().on(
            Point::Starttls,
            [Step::Text("220 2.0.0 go ahead\r\n250 AUTH PLAIN injected".to_owned())],
        )
    }

    /// STARTTLS is granted, the ClientHello is not answered.
    pub fn handshake_stall() -> Self {
        Self { tls: Tls::Stall, ..Self::healthy() }
    }

    /// Nothing newer than TLS 1.0.
    pub fn tls10_only() -> Self {
        Self { tls: Tls::Legacy(LegacyVersion::Tls10), ..Self::healthy() }
    }

    /// STARTTLS from a server that leaves Nagle's algorithm on; see [`Behaviour::nagle`].
    pub fn nagling() -> Self {
        Self { nagle: true, ..Self::healthy() }
    }

    /// TLS 1.2 with RSA key exchange and CBC only.
    pub fn rsa_only() -> Self {
        Self { tls: Tls::Legacy(LegacyVersion::Tls12), ..Self::healthy() }
    }

    /// TLS from the first byte, AUTH inside.
    pub fn implicit_tls() -> Self {
        Self { implicit_tls: true, starttls_keyword: None, ..Self::healthy() }
    }

    /// A submission server: no mail without TLS and a login.
    pub fn submission() -> Self {
        Self { require_tls: true, require_auth: true, domains: None, ..Self::healthy() }
    }

    /// AUTH is offered, nobody gets in.
    pub fn auth_refused() -> Self {
        Self::submission()
            .on(Point::Auth, [Step::Text("535 5.7.8 Error: authentication failed".to_owned())])
    }

    /// Takes mail for anybody from anybody.
    pub fn open_relay() -> Self {
        Self { domains: None, ..Self::healthy() }
    }

    /// The connection is closed without a byte.
    pub fn drops() -> Self {
        Self::healthy().on(Point::Connect, [Step::Close])
    }

    /// The connection is reset without a byte.
    pub fn resets() -> Self {
        Self::resetting(Point::Connect)
    }

    /// The connection is reset at `point`.
    pub fn resetting(point: Point) -> Self {
        Self::healthy().on(point, [Step::Reset])
    }

    /// The connection is accepted and nothing is ever said.
    pub fn silent() -> Self {
        Self::silent_at(Point::Greeting)
    }

    /// Nothing is said any more from `point` on.
    pub fn silent_at(point: Point) -> Self {
        Self::healthy().on(point, [Step::Silence])
    }

    /// 421 at `point`, then the end.
    pub fn closing_at(point: Point) -> Self {
        Self::healthy()
            .on(point, [Step::Text("421 4.3.0 {name} closing the channel".to_owned()), Step::Close])
    }

    /// Bytes that are nothing.
    pub fn garbage() -> Self {
        let bytes = b"\x00\xfe\x93\x01garbled \xf0\x28\x8c\x28 \x1b[0m\x07\r\n\xff\xfb\x01\r\n";
        Self::healthy().on(Point::Greeting, [Step::Bytes(bytes.to_vec()), Step::Close])
    }

    /// A web server that was asked something odd.
    pub fn http() -> Self {
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n";
        Self::healthy().on(Point::Greeting, [Step::Text(head.to_owned()), Step::Close])
    }

    /// An SSH server, which speaks first as well.
    pub fn ssh() -> Self {
        Self::healthy().on(Point::Greeting, [Step::Text("SSH-2.0-demo".to_owned()), Step::Silence])
    }

    /// The code changes inside one reply to EHLO.
    pub fn code_changes() -> Self {
        Self::healthy()
            .on(Point::Ehlo, [Step::Text("250-{name}\r\n250-SIZE\r\n451 8BITMIME".to_owned())])
    }

    /// A reply to EHLO that never ends.
    pub fn endless_reply() -> Self {
        Self::healthy().on(Point::Ehlo, [Step::Flood(b"250-and another one\r\n".to_vec())])
    }

    /// A greeting whose first line never ends.
    pub fn endless_line() -> Self {
        Self::healthy()
            .on(Point::Greeting, [Step::Bytes(b"220 ".to_vec()), Step::Flood(vec![b'x'; 512])])
    }

    /// QUIT is not answered.
    pub fn no_quit_answer() -> Self {
        Self::silent_at(Point::Quit)
    }

    /// Only HELO is known; 502 to EHLO.
    pub fn helo_only() -> Self {
        Self { helo_only: true, auth: None, ..Self::healthy().without_starttls() }
    }

    /// Speaks first and takes one command at a time; see [`Behaviour::police`].
    pub fn strict() -> Self {
        Self::teaser(Duration::from_millis(100))
    }

    /// The same server with `steps` at `point`.
    pub fn on(mut self, point: Point, steps: impl IntoIterator<Item = Step>) -> Self {
        self.script.insert(point, steps.into_iter().collect());
        self
    }

    /// The same server with another answer at `point`: one line, code and all.
    pub fn answering(self, point: Point, line: &str) -> Self {
        self.on(point, [Step::Text(line.to_owned())])
    }

    /// The same server under another name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same server with the police on and PIPELINING not offered.
    pub fn policed(mut self) -> Self {
        self.police = true;
        self.keywords.retain(|keyword| keyword != "PIPELINING");
        self
    }

    fn without_starttls(self) -> Self {
        Self { starttls_keyword: None, tls: Tls::Off, ..self }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::healthy()
    }
}

/// The greeting unless a script has another.
pub(super) const GREETING: &str = "220 {name} ESMTP";
