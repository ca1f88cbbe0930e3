//! A stream that uses up the budget that tokio gives a task, as TLS does while records come that
//! hold nothing: the clocks of a dialogue run all the same.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use smtp_exporter::observation::{Failure, TlsFacts};
use smtp_exporter::probe::dialog::{self, BoxedIo, Waits};
use smtp_exporter::smtp::{End, Fault, Phase, Plan, Session, TlsMode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Always has something, and never a byte of a reply.
struct Busy;

impl AsyncRead for Busy {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Until there is no budget left; that wakes the task again.
        while pin!(consume_budget()).poll(cx).is_ready() {}
        Poll::Pending
    }
}

impl AsyncWrite for Busy {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(b.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn clocks_run_while_a_peer_takes_the_whole_budget() {
    let plan = |tls| Plan {
        helo: "probe.demo.test".to_owned(),
        tls,
        auth: None,
        auth_unverified: false,
        mail: None,
    };
    let short = Duration::from_millis(100);
    let long = Duration::from_secs(600);
    for (greeting, total, ended) in [
        (short, long, Fault::Ended(Phase::Greeting, End::Timeout)),
        (long, short, Fault::Cancelled(Phase::Greeting)),
    ] {
        let waits = Waits { greeting, reply: long, deadline: Instant::now() + total };
        let upgrade =
            async |_: BoxedIo| -> (TlsFacts, Result<BoxedIo, Failure>) { unreachable!("no TLS") };
        let cancel = CancellationToken::new();
        let session = Session::new(plan(TlsMode::None));
        let run = dialog::run(Box::new(Busy), session, waits, Instant::now(), &cancel, upgrade);
        let outcome = timeout(Duration::from_secs(5), run).await.expect("it never ends");
        assert_eq!(outcome.dialogue.fault, Some(ended));
    }
}
