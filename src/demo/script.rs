//! One session of a demo server: what is done at each point, by script or by default.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::auth::Auth;
use super::behaviour::{Behaviour, GREETING, Point, Step, Tls};
use super::conn::{Conn, Ending, Heard};
use super::legacy;
use super::server::{Limit, Seat, Shared};
use super::tls::{Authority, legacy_certificate};

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    client: IpAddr,
    mut seat: Seat,
    shared: Arc<Shared>,
    behaviour: Arc<Behaviour>,
) {
    let mut session = Session {
        conn: Conn::new(stream, client, &behaviour.name, behaviour.idle),
        client,
        number: seat.number,
        // With a script for it, it is served by that.
        limited: seat.limited.filter(|_| behaviour.limits.over.is_none()),
        shared,
        tls: false,
        hello: false,
        refused: false,
        logged_in: false,
        from: None,
        behaviour,
    };
    seat.ending = match session.run().await {
        Ok(()) => Ending::Server,
        Err(ending) => ending,
    };
    session.conn.close().await;
}

/// One session and what it knows of its client.
pub(super) struct Session {
    pub(super) conn: Conn,
    client: IpAddr,
    pub(super) number: u64,
    limited: Option<Limit>,
    pub(super) behaviour: Arc<Behaviour>,
    pub(super) shared: Arc<Shared>,
    pub(super) tls: bool,
    /// EHLO or HELO was said on this channel.
    pub(super) hello: bool,
    /// The greeting was a refusal: all but QUIT is out of order.
    refused: bool,
    pub(super) logged_in: bool,
    from: Option<String>,
}

impl Session {
    async fn run(&mut self) -> Result<(), Ending> {
        if let Some(steps) = self.script(Point::Connect) {
            self.play(&steps).await?;
        }
        if self.behaviour.implicit_tls {
            self.start_tls().await?;
        }
        match self.limited {
            Some(Limit::Client) => {
                let text = "421 4.7.0 {name} Error: too many connections from {client}";
                return self.conn.text(text).await;
            }
            Some(Limit::Server) => {
                return self.conn.text("421 4.3.2 All server ports are busy").await;
            }
            None => self.greet().await?,
        }
        for _ in 0..MAX_COMMANDS {
            match self.conn.line().await? {
                Heard::Line(line) => self.command(&line).await?,
                Heard::TooLong => return self.conn.text("500 5.5.2 Error: line too long").await,
                Heard::Idle => {
                    return self.conn.text("421 4.4.2 {name} Error: timeout exceeded").await;
                }
            }
        }
        self.conn.text("421 4.7.0 {name} Error: too many commands").await
    }

    async fn greet(&mut self) -> Result<(), Ending> {
        let steps =
            self.script(Point::Greeting).unwrap_or_else(|| vec![Step::Text(GREETING.to_owned())]);
        self.refused = !is_positive(&steps);
        let mut early = false;
        for step in &steps {
            if !early && self.conn.spoke().await? {
                early = true;
                self.shared.state().stats.early += 1;
                if self.behaviour.police {
                    self.conn.text("554 5.5.1 {name} Error: you spoke before the greeting").await?;
                    return Err(Ending::Server);
                }
            }
            self.conn.step(step).await?;
        }
        Ok(())
    }

    async fn command(&mut self, line: &[u8]) -> Result<(), Ending> {
        let text = String::from_utf8_lossy(line).into_owned();
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let verb = verb.to_ascii_uppercase();
        let point = self.point_of(&verb);
        self.count(line, if point == Point::Other { "?" } else { &verb });
        if self.conn.spoke().await? && !self.may_pipeline(point) {
            self.shared.state().stats.pipelined += 1;
            if self.behaviour.police {
                self.conn.text("554 5.5.0 {name} Error: pipelining was not offered").await?;
                return Err(Ending::Server);
            }
        }
        if let Some(steps) = self.script(point) {
            self.play(&steps).await?;
            return match (point, is_positive(&steps)) {
                (Point::Quit, _) => Err(Ending::Quit),
                (Point::Starttls, true) => self.start_tls().await,
                (_, true) => {
                    self.note(point, rest);
                    Ok(())
                }
                (_, false) => Ok(()),
            };
        }
        self.answer(point, rest).await
    }

    async fn answer(&mut self, point: Point, rest: &str) -> Result<(), Ending> {
        if self.refused && point != Point::Quit {
            return self.conn.text("503 5.5.1 Error: this session is refused, say QUIT").await;
        }
        match point {
            Point::Quit => {
                self.conn.text("221 2.0.0 Bye").await?;
                return Err(Ending::Quit);
            }
            Point::Ehlo | Point::EhloTls if self.behaviour.helo_only => {
                return self.conn.text("502 5.5.2 Error: command not recognized").await;
            }
            Point::Ehlo | Point::EhloTls | Point::Helo if rest.trim().is_empty() => {
                return self.conn.text("501 5.5.4 Syntax: EHLO hostname").await;
            }
            Point::Ehlo | Point::EhloTls => {
                let reply = self.ehlo_reply();
                self.conn.step(&reply).await?;
            }
            Point::Helo => self.conn.text("250 {name}").await?,
            Point::Starttls => return self.starttls().await,
            Point::Auth => return self.auth(rest).await,
            Point::Mail => return self.mail(rest).await,
            Point::Rcpt => return self.rcpt(rest).await,
            Point::Data => {
                return self.conn.text("554 5.5.1 Error: no message is taken here").await;
            }
            Point::Rset | Point::Noop => self.conn.text("250 2.0.0 Ok").await?,
            Point::Connect | Point::Greeting | Point::Other => {
                return self.conn.text("500 5.5.2 Error: command not recognized").await;
            }
        }
        self.note(point, rest);
        Ok(())
    }

    /// What a command that was granted changes.
    fn note(&mut self, point: Point, rest: &str) {
        match point {
            Point::Ehlo | Point::EhloTls | Point::Helo => {
                self.hello = true;
                self.from = None;
            }
            Point::Mail => self.from = Some(path(rest)),
            Point::Rset => self.from = None,
            Point::Auth => self.logged_in = true,
            _ => {}
        }
    }

    fn ehlo_reply(&self) -> Step {
        let behaviour = &self.behaviour;
        let mut lines = vec![behaviour.name.as_str()];
        lines.extend(behaviour.keywords.iter().map(String::as_str));
        if !self.tls {
            lines.extend(behaviour.starttls_keyword.as_deref());
        }
        let auth = self.auth_offered().map(Auth::keyword);
        lines.extend(auth.as_deref());
        Step::reply(250, &lines)
    }

    async fn starttls(&mut self) -> Result<(), Ending> {
        if self.tls || self.behaviour.tls == Tls::Off {
            return self.conn.text("502 5.5.1 Error: command not implemented").await;
        }
        self.conn.text("220 2.0.0 Ready to start TLS").await?;
        self.start_tls().await
    }

    async fn start_tls(&mut self) -> Result<(), Ending> {
        let done = match self.behaviour.tls {
            Tls::Off => Err(Ending::Server),
            Tls::Stall => self.conn.silence().await,
            Tls::Legacy(version) => {
                let certificate = legacy_certificate().map_err(|_| Ending::Server)?;
                let idle = self.behaviour.idle;
                legacy::answer(self.conn.raw(), version, certificate, idle).await;
                Err(Ending::Server)
            }
            Tls::Modern(certificate) => {
                let config = Authority::shared()
                    .and_then(|authority| authority.server_config(certificate))
                    .map_err(|_| Ending::Server)?;
                self.conn.handshake(&TlsAcceptor::from(config)).await
            }
        };
        let mut state = self.shared.state();
        if done.is_err() {
            state.stats.handshakes_failed += 1;
            return done;
        }
        state.stats.handshakes += 1;
        self.tls = true;
        // RFC 3207, 4.2: what was known before TLS is forgotten.
        self.hello = false;
        self.from = None;
        Ok(())
    }

    async fn mail(&mut self, rest: &str) -> Result<(), Ending> {
        let behaviour = &self.behaviour;
        let refusal = if !self.hello {
            Some("503 5.5.1 Error: send HELO/EHLO first")
        } else if behaviour.require_tls && !self.tls {
            Some("530 5.7.0 Must issue a STARTTLS command first")
        } else if behaviour.require_auth && !self.logged_in {
            Some("530 5.7.0 Authentication required")
        } else if self.from.is_some() {
            Some("503 5.5.1 Error: nested MAIL command")
        } else if !has_prefix(rest, "FROM:") {
            Some("501 5.5.4 Syntax: MAIL FROM:<address>")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return self.conn.text(refusal).await;
        }
        self.note(Point::Mail, rest);
        self.conn.text("250 2.1.0 Ok").await
    }

    async fn rcpt(&mut self, rest: &str) -> Result<(), Ending> {
        let Some(from) = self.from.clone() else {
            return self.conn.text("503 5.5.1 Error: need MAIL command").await;
        };
        if !has_prefix(rest, "TO:") {
            return self.conn.text("501 5.5.4 Syntax: RCPT TO:<address>").await;
        }
        let to = path(rest);
        if !self.is_served(&to) {
            let to = printable(&to);
            return self.conn.text(&format!("554 5.7.1 <{to}>: Relay access denied")).await;
        }
        if let Some(delay) = self.behaviour.greylist
            && !self.shared.state().known(self.client, &from, &to, delay)
        {
            let text = "450 4.7.1 Greylisted, please try again later";
            return self.conn.text(text).await;
        }
        self.conn.text("250 2.1.5 Ok").await
    }

    /// Whether mail for this recipient is taken from this client.
    fn is_served(&self, to: &str) -> bool {
        let Some(domains) = &self.behaviour.domains else { return true };
        let to = to.to_lowercase();
        // RFC 5321, 4.5.1: the postmaster without a domain is always served.
        if self.logged_in || to == "postmaster" {
            return true;
        }
        let domain = to.rsplit_once('@').map_or("", |(_, domain)| domain);
        domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }

    async fn play(&mut self, steps: &[Step]) -> Result<(), Ending> {
        for step in steps {
            self.conn.step(step).await?;
        }
        Ok(())
    }

    fn script(&self, point: Point) -> Option<Vec<Step>> {
        self.behaviour.script.get(&point).cloned()
    }

    fn count(&self, line: &[u8], verb: &str) {
        let mut state = self.shared.state();
        *state.stats.commands.entry(verb.to_owned()).or_default() += 1;
        state.hear(self.number, self.tls, line);
    }

    fn point_of(&self, verb: &str) -> Point {
        match verb {
            "EHLO" if self.tls => Point::EhloTls,
            "EHLO" => Point::Ehlo,
            "HELO" => Point::Helo,
            "STARTTLS" => Point::Starttls,
            "AUTH" => Point::Auth,
            "MAIL" => Point::Mail,
            "RCPT" => Point::Rcpt,
            "DATA" => Point::Data,
            "RSET" => Point::Rset,
            "NOOP" => Point::Noop,
            "QUIT" => Point::Quit,
            _ => Point::Other,
        }
    }

    /// RFC 2920, 3.1: these may be followed by more before they are answered.
    fn may_pipeline(&self, point: Point) -> bool {
        let offered = self.behaviour.keywords.iter().any(|keyword| keyword == "PIPELINING");
        offered && self.hello && matches!(point, Point::Mail | Point::Rcpt | Point::Rset)
    }
}

/// Whether a script grants the command: what it writes first begins with a 2.
fn is_positive(steps: &[Step]) -> bool {
    steps.iter().find_map(Step::first_byte) == Some(b'2')
}

/// The address of `FROM:<address> PARAMETERS` or `TO:<address>`.
fn path(rest: &str) -> String {
    let text = rest.split_once(':').map_or("", |(_, text)| text).trim();
    match text.strip_prefix('<') {
        Some(inner) => inner.split_once('>').map_or(inner, |(address, _)| address).to_owned(),
        None => text.split(' ').next().unwrap_or("").to_owned(),
    }
}

/// A client's text as it may stand in a reply.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '{').take(200).collect()
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The most commands of one session.
const MAX_COMMANDS: usize = 1000;
