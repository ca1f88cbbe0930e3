//! AUTH in a session: the exchange of lines. What is right is decided in `auth.rs`.

use super::auth::{self, Auth, Sasl};
use super::conn::{Ending, Heard};
use super::script::Session;

impl Session {
    /// AUTH as it is offered on this channel.
    pub(super) fn auth_offered(&self) -> Option<&Auth> {
        self.behaviour.auth.as_ref().filter(|auth| self.tls || auth.in_clear)
    }

    /// The AUTH command, whatever comes of it.
    pub(super) async fn auth(&mut self, rest: &str) -> Result<(), Ending> {
        if !self.hello || self.logged_in {
            return self.conn.text("503 5.5.1 Error: AUTH is out of order").await;
        }
        let Some(offer) = self.auth_offered().cloned() else {
            let text = if self.behaviour.auth.is_some() {
                "530 5.7.0 Must issue a STARTTLS command first"
            } else {
                "503 5.5.1 Error: authentication not enabled"
            };
            return self.conn.text(text).await;
        };
        let (word, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let Some(mechanism) = offer.mechanism(word) else {
            return self.conn.text("504 5.5.4 Error: unknown authentication mechanism").await;
        };
        let initial = Some(initial.trim()).filter(|text| !text.is_empty()).map(str::as_bytes);
        let good = self.exchange(&offer, mechanism, initial).await?;
        self.logged_in = good;
        let text = self.judge_login(good);
        self.conn.text(text).await
    }

    fn judge_login(&self, good: bool) -> &'static str {
        let mut state = self.shared.state();
        if good {
            state.stats.logins += 1;
            "235 2.7.0 Authentication successful"
        } else {
            state.stats.logins_refused += 1;
            "535 5.7.8 Error: authentication failed"
        }
    }

    async fn exchange(
        &mut self,
        offer: &Auth,
        mechanism: Sasl,
        initial: Option<&[u8]>,
    ) -> Result<bool, Ending> {
        let first = initial.map(auth::decode);
        Ok(match mechanism {
            Sasl::Plain => {
                let response = match first {
                    Some(first) => first,
                    None => self.challenge(b"").await?,
                };
                response.is_some_and(|response| offer.plain(&response))
            }
            Sasl::Login => {
                let user = match first {
                    Some(first) => first,
                    None => self.challenge(b"Username:").await?,
                };
                let Some(user) = user else { return Ok(false) };
                let password = self.challenge(b"Password:").await?;
                password.is_some_and(|password| offer.password_of(&user, &password))
            }
            Sasl::CramMd5 => {
                let challenge = format!("<{}.demo@{}>", self.number, self.behaviour.name);
                let response = self.challenge(challenge.as_bytes()).await?;
                response.is_some_and(|response| offer.cram_md5(challenge.as_bytes(), &response))
            }
            Sasl::Xoauth2 => {
                let response = match first {
                    Some(first) => first,
                    None => self.challenge(b"").await?,
                };
                let good = response.is_some_and(|response| offer.xoauth2(&response));
                if !good {
                    // The reason comes as a challenge, which the client answers with an empty line.
                    self.challenge(b"{\"status\":\"401\",\"schemes\":\"bearer\"}").await?;
                }
                good
            }
        })
    }

    /// Sends a 334 and reads the answer; none when it is `*` or not base64.
    async fn challenge(&mut self, challenge: &[u8]) -> Result<Option<Vec<u8>>, Ending> {
        self.conn.text(&format!("334 {}", auth::encode(challenge))).await?;
        let Heard::Line(line) = self.conn.line().await? else { return Err(Ending::Server) };
        self.shared.state().hear(self.number, self.tls, &line);
        Ok(auth::decode(&line))
    }
}
