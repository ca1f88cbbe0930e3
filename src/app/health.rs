//! Asks a running exporter whether it is well, for containers that hold no other program.

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::net::tls::TlsClient;
use crate::smtp::Phase;

/// The URL at which an exporter with these flags says whether it is well. An address that stands
/// for every one is asked on loopback.
pub fn health_url(listen: &str, route_prefix: &str) -> String {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, "80"));
    let host = match host {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    format!("http://{host}:{port}{}/-/healthy", crate::web::normal_prefix(route_prefix))
}

/// A URL that can be asked.
#[derive(Debug, PartialEq, Eq)]
pub struct HealthQuestion {
    tls: bool,
    /// Host and port, as the `Host` header has them.
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl HealthQuestion {
    /// Reads an `http` or `https` URL without a login: that would be seen in the list of processes.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn parse(url: &str) -> Result<Self, String> {
        let parts = || {
            let (scheme, rest) = url.split_once("://")?;
            let tls = match scheme {
                "http" => false,
                "https" => true,
                _ => return None,
            };
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let (host, port) = match authority.rsplit_once(':') {
                Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
                _ => (authority, if tls { 443 } else { 80 }),
            };
            let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
            // What would end the request's line has no place in a URL.
            let odd = url.bytes().any(|byte| byte.is_ascii_control() || byte == b' ');
            let good = !odd && !host.is_empty() && !host.contains('@');
            let path = if path.is_empty() { "/" } else { path };
            let [authority, host, path] = [authority, host, path].map(str::to_owned);
            good.then_some(Self { tls, authority, host, port, path })
        };
        parts()
            .ok_or_else(|| format!("{url:?} is not a URL such as http://127.0.0.1:10057/-/healthy"))
    }

    /// Asks once, in at most five seconds. Good are 2xx, and 401: an exporter that wants a login is
    /// alive, and a login does not belong on a command line. For the same reason one that wants a
    /// client's certificate is. With `https` the certificate is not verified: nothing is sent, and
    /// it names the host as others see it.
    ///
    /// # Errors
    ///
    /// What came in place of a good answer.
    pub async fn ask(&self) -> anyhow::Result<String> {
        tokio::time::timeout(PATIENCE, self.answer())
            .await
            .with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))?
    }

    async fn answer(&self) -> anyhow::Result<String> {
        let Self { authority, host, port, path, .. } = self;
        let stream = TcpStream::connect((host.as_str(), *port))
            .await
            .with_context(|| format!("cannot connect to {authority}"))?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        let line = if self.tls {
            let client = TlsClient::new(None).map_err(anyhow::Error::msg)?;
            let handshake = client.handshake(stream, host, Phase::TlsImplicit, PATIENCE);
            let stream = handshake.await.1.map_err(|failure| anyhow::anyhow!(failure.detail))?;
            status_line(stream, &request).await
        } else {
            status_line(stream, &request).await
        };
        let line = match line {
            Err(error) if wants_certificate(&error) => {
                return Ok("alive: it wants a client's certificate".to_owned());
            }
            line => line?,
        };
        let mut words = line.split(' ');
        let (version, code) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        anyhow::ensure!(version.starts_with("HTTP/1."), "not an HTTP answer: {line:?}");
        match code {
            "401" => Ok("alive: it wants a login".to_owned()),
            code if code.len() == 3 && code.starts_with('2') => Ok(format!("healthy: {line}")),
            _ => anyhow::bail!("unhealthy: {line:?}"),
        }
    }
}

/// The first line of the answer, of which no more than a line's worth is read.
async fn status_line<S>(mut stream: S, request: &str) -> io::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut part = [0; 256];
    while answer.len() < LINE_MOST && !answer.contains(&b'\n') {
        let read = stream.read(&mut part).await?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(part.get(..read).unwrap_or_default());
    }
    let line = answer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim_end().to_owned())
}

/// With TLS 1.3 a server asks for the certificate within the handshake and refuses after it.
fn wants_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        inner,
        Some(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired))
    )
}

/// Less than the ten seconds after which most who ask give up.
const PATIENCE: Duration = Duration::from_secs(5);
const LINE_MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_follows_the_flags() {
        for (listen, prefix, url) in [
            (":10057", "", "http://127.0.0.1:10057/-/healthy"),
            ("0.0.0.0:80", "/", "http://127.0.0.1:80/-/healthy"),
            ("[::]:81", "smtp", "http://[::1]:81/smtp/-/healthy"),
            ("192.0.2.1:82", "/a/b/", "http://192.0.2.1:82/a/b/-/healthy"),
        ] {
            assert_eq!(health_url(listen, prefix), url);
            assert!(HealthQuestion::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        let parts = |text| {
            let read = HealthQuestion::parse(text).ok()?;
            Some((read.tls, read.host, read.port, read.path))
        };
        let whole =
            |tls, host: &str, port, path: &str| Some((tls, host.to_owned(), port, path.to_owned()));
        assert_eq!(parts("http://[::1]:81/x/-/healthy"), whole(false, "::1", 81, "/x/-/healthy"));
        assert_eq!(parts("https://[::1]"), whole(true, "::1", 443, "/"));
        assert_eq!(parts("http://localhost"), whole(false, "localhost", 80, "/"));
        for bad in
            ["", "localhost", "ftp://a/", "http://", "http:///x", "http://a:b/", "http://u:p@a/"]
        {
            assert!(parts(bad).is_none(), "{bad}");
        }
        assert!(parts("http://a/\r\nX: y").is_none() && parts("http://a/ b").is_none());
    }
}
