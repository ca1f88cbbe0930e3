//! Small servers of our own, where a real one cannot be made to misbehave on command.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::address;

/// A server on port 25 of an address of its own. It ends with the test run.
pub(crate) struct Fake {
    /// Where it listens.
    pub(crate) address: Ipv4Addr,
}

impl Fake {
    /// Greets, answers EHLO and QUIT, and is quick about it: the target next to a faulty one whose
    /// interval must not suffer.
    pub(crate) fn steady() -> Self {
        Self::serve(steady)
    }

    /// Like the steady one, until `refuse` is set: then it has too many connections.
    pub(crate) fn refusing_when(refuse: Arc<AtomicBool>) -> Self {
        Self::serve(move |stream| {
            talk(stream, |stream, line| match line {
                "" if refuse.load(Ordering::Relaxed) => {
                    let reply =
                        b"421 4.7.0 moody.bed.test Error: too many connections from you\r\n";
                    stream.write_all(reply).map(|()| false)
                }
                "" => stream.write_all(b"220 moody.bed.test ESMTP\r\n").map(|()| true),
                "QUIT" => stream.write_all(b"221 2.0.0 bye\r\n").map(|()| false),
                _ => stream.write_all(b"250 moody.bed.test\r\n").map(|()| true),
            })
        })
    }

    /// Resets the connection in the middle of the EHLO reply.
    pub(crate) fn reset_in_reply() -> Self {
        Self::serve(|stream| {
            talk(stream, |stream, line| {
                if line.is_empty() {
                    stream.write_all(b"220 reset.bed.test ESMTP\r\n")?;
                    return Ok(true);
                }
                stream.write_all(b"250-reset.bed.test\r\n250-SI")?;
                // The bytes shall be read before the reset throws away what was not.
                thread::sleep(Duration::from_millis(100));
                socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO))?;
                Ok(false)
            })
        })
    }

    /// Greets, and never says another word.
    pub(crate) fn mute_after_greeting() -> Self {
        Self::serve(|stream| {
            talk(stream, |stream, line| {
                if line.is_empty() {
                    stream.write_all(b"220 mute.bed.test ESMTP\r\n")?;
                }
                Ok(true)
            })
        })
    }

    /// Says HTML wherever it says anything, and takes nobody.
    pub(crate) fn hostile() -> Self {
        Self::serve(|stream| {
            talk(stream, |stream, line| {
                let (code, goes_on) = if line.is_empty() { (220, true) } else { (554, false) };
                let text = "<script>window.owned=1</script><img src=x onerror=window.owned=2>\"'";
                write!(stream, "{code} {text}\r\n").map(|()| goes_on)
            })
        })
    }

    /// As [`Fake::steady`], on every loopback address; gives the port.
    pub(crate) fn steady_everywhere() -> u16 {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || drop(steady(stream)));
            }
        });
        port
    }

    /// A line to port 25 of a real server that carries the greeting and takes the client's first
    /// command, but no further: it calls `held` then, and carries what the server says of itself.
    /// It does so once; who comes later waits.
    pub(crate) fn held_line(server: Ipv4Addr, held: impl Fn() + Send + Sync + 'static) -> Self {
        let taken = AtomicBool::new(false);
        Self::serve(move |mut client| {
            if taken.swap(true, Ordering::Relaxed) {
                thread::sleep(Duration::from_secs(60));
                return Ok(());
            }
            let mut line = String::new();
            let mut said = BufReader::new(TcpStream::connect((server, 25))?);
            said.read_line(&mut line)?;
            client.write_all(line.as_bytes())?;
            BufReader::new(client.try_clone()?).read_line(&mut line)?;
            held();
            std::io::copy(&mut said, &mut client).map(drop)
        })
    }

    fn serve(client: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let address = address();
        let listener = TcpListener::bind(SocketAddr::from((address, 25))).unwrap();
        let client = Arc::new(client);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let client = Arc::clone(&client);
                // The client's end of the connection is what the test looks at.
                thread::spawn(move || drop(client(stream)));
            }
        });
        Self { address }
    }
}

fn steady(stream: TcpStream) -> std::io::Result<()> {
    talk(stream, |stream, line| match line {
        "" => stream.write_all(b"220 steady.bed.test ESMTP\r\n").map(|()| true),
        "QUIT" => stream.write_all(b"221 2.0.0 bye\r\n").map(|()| false),
        _ => stream.write_all(b"250 steady.bed.test\r\n").map(|()| true),
    })
}

/// Calls `answer` with an empty line for the greeting, then with each line of the client, until it
/// says false or the client has gone.
fn talk(
    mut stream: TcpStream,
    answer: impl Fn(&mut TcpStream, &str) -> std::io::Result<bool>,
) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    if !answer(&mut stream, "")? {
        return Ok(());
    }
    for line in lines {
        if !answer(&mut stream, line?.trim_end())? {
            break;
        }
    }
    Ok(())
}
