//! What was seen: plain data that can be compared. A failed probe is an observation too: what was
//! seen so far, and a [`Failure`].

pub mod cert;
pub mod counts;
pub mod failure;
pub mod ladder;
pub mod listing;
pub mod regress;
pub mod skew;
pub mod standing;
pub mod tally;
pub mod verdict;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use cert::{Certificate, TlsFacts, TlsVersion, VerifyFailure};
pub use counts::{Counted, ProbeCounts, Underway};
pub use failure::{DnsReason, Failure};
pub use ladder::{Abort, AbortKind, LadderSeen, Refusal, RefusedHow};
pub use listing::{Health, Lookup};
pub use regress::Baseline;
pub use skew::{Across, Compared, Skew};
pub use standing::Standing;
pub use tally::Tally;
pub use verdict::{EndpointState, Verdict};

use crate::cause::Cause;
use crate::smtp::{Capabilities, EnhancedCode, Phase};
use crate::target::Endpoint;

/// One probe of one endpoint. A failed resolve is one as well: its endpoint has no address.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// What was probed.
    pub endpoint: Endpoint,
    /// Wall time at the end.
    pub ended: SystemTime,
    /// The whole probe, without waiting for permits.
    pub duration: Duration,
    /// How long each phase took, in order.
    pub phases: Vec<(Phase, Duration)>,
    /// Each reply, in order.
    pub replies: Vec<ReplySeen>,
    /// From connect to the moment at which mail could be handed over; none if it never came.
    pub ready: Option<Duration>,
    /// STARTTLS in the EHLO response; none when that was not seen, or under implicit TLS.
    pub starttls_offered: Option<bool>,
    /// TLS, when a handshake was tried.
    pub tls: Option<TlsFacts>,
    /// What EHLO offered in clear.
    pub plain: Option<Capabilities>,
    /// What EHLO offered inside TLS.
    pub inside_tls: Option<Capabilities>,
    /// Why it did not go through; none when the session was accepted, or when the expectation of a
    /// module with `expect` was met.
    pub failure: Option<Failure>,
    /// For a module with `expect`: met, not met, or (none) inconclusive.
    pub met: Option<bool>,
    /// True when the module has `expect`.
    pub negative: bool,
    /// The address and port that we connected from.
    pub local: Option<SocketAddr>,
    /// The name that we gave in EHLO.
    pub helo: Option<Arc<str>>,
    /// What was said and heard, redacted.
    pub transcript: Arc<Transcript>,
}

impl Observation {
    /// An observation of `endpoint` in which nothing was seen yet.
    pub fn of(endpoint: Endpoint, ended: SystemTime) -> Self {
        Self {
            endpoint,
            ended,
            duration: Duration::ZERO,
            phases: Vec::new(),
            replies: Vec::new(),
            ready: None,
            starttls_offered: None,
            tls: None,
            plain: None,
            inside_tls: None,
            failure: None,
            met: None,
            negative: false,
            local: None,
            helo: None,
            transcript: Arc::default(),
        }
    }

    /// The probe met what the module wants: a session accepted, or the expectation.
    pub fn success(&self) -> bool {
        if self.negative { self.met == Some(true) } else { self.failure.is_none() }
    }

    /// Some SMTP reply greeted us, whatever its code.
    pub fn responding(&self) -> bool {
        self.replies.iter().any(|reply| reply.phase == Phase::Greeting)
    }

    /// The result says something about the target: it was not our own trouble.
    pub fn trustworthy(&self) -> bool {
        self.failure.as_ref().is_none_or(|f| f.blame != crate::cause::Blame::Exporter)
    }

    /// A negative test that was put off: another 4xx than those expected says neither that the server
    /// refuses nor that it lets us, so this is no failure.
    pub fn inconclusive(&self) -> bool {
        let put_off = |phase| {
            let mut replies = self.replies.iter().filter(|reply| reply.phase == phase);
            replies.any(|reply| (400..500).contains(&reply.code))
        };
        let failure = self.failure.as_ref();
        self.negative && self.met.is_none() && failure.is_some_and(|failure| put_off(failure.phase))
    }

    /// What kept the probe from meeting what the module wants; none after a success.
    ///
    /// A negative test that was not met may have run into nothing at all (an open relay): its
    /// failure is then `unexpected_reply` in the last phase that was answered.
    pub fn trouble(&self) -> Option<Failure> {
        if self.success() {
            return None;
        }
        self.failure.clone().or_else(|| {
            let phase = self.replies.last().map_or(Phase::Connect, |reply| reply.phase);
            Some(Failure::new(phase, Cause::UnexpectedReply, "the expectation was not met"))
        })
    }
}

/// A reply, reduced to what is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplySeen {
    /// The phase that it answered.
    pub phase: Phase,
    /// 200 to 599.
    pub code: u16,
    /// The enhanced code.
    pub enhanced: Option<EnhancedCode>,
    /// The cause of a refusal; none for 2xx and 3xx.
    pub cause: Option<Cause>,
    /// The first line's text, printable, at most [`REPLY_TEXT`] characters. For people, never a
    /// label.
    pub text: Box<str>,
}

/// The most characters of a reply's first line that are kept beside its code.
pub const REPLY_TEXT: usize = 200;

/// What was said and heard, line by line.
///
/// All lines are one text: thousands of transcripts are kept, and a line by itself takes more for its
/// place in memory than for what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcript {
    text: String,
    marks: Vec<Mark>,
    /// True when the byte cap cut lines off.
    pub truncated: bool,
    /// What the lines count towards the cap, kept so that adding one costs the same however many
    /// there are.
    used: usize,
}

/// Where a line ends in the text, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    nanos: u64,
    end: u32,
    side: Side,
}

/// One line of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscriptLine<'a> {
    /// Since the probe of this endpoint started.
    pub at: Duration,
    /// Who.
    pub side: Side,
    /// Printable text: control characters are escaped, secrets are `<redacted>`.
    pub text: &'a str,
}

closed_enum! {
    /// Whose line it is.
    pub enum Side {
        /// We said it.
        Client => "C",
        /// They said it.
        Server => "S",
        /// A note of ours on what happened.
        Note => "*",
    }
}

/// The most bytes of text that one transcript keeps.
pub const TRANSCRIPT_BYTES: usize = 4096;

impl Transcript {
    /// The lines.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = TranscriptLine<'_>> {
        self.marks.iter().enumerate().map(|(index, mark)| {
            let before = index.checked_sub(1).and_then(|before| self.marks.get(before));
            let start = before.map_or(0, |before| before.end as usize);
            let text = self.text.get(start..mark.end as usize).unwrap_or_default();
            TranscriptLine { at: Duration::from_nanos(mark.nanos), side: mark.side, text }
        })
    }

    /// How many lines there are.
    pub const fn len(&self) -> usize {
        self.marks.len()
    }

    /// True when nothing was said.
    pub const fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The memory that it takes, in bytes.
    pub const fn size(&self) -> usize {
        size_of::<Self>() + self.text.capacity() + self.marks.capacity() * size_of::<Mark>()
    }

    /// Gives back the room for lines that did not come: it is kept as it is.
    pub fn close(&mut self) {
        self.text.shrink_to_fit();
        self.marks.shrink_to_fit();
    }

    /// Adds a line while the cap allows. After the first that does not fit none is taken, so that
    /// there are no gaps.
    pub fn push(&mut self, at: Duration, side: Side, text: impl AsRef<str>) {
        let text = text.as_ref();
        let cost = text.len() + LINE_OVERHEAD;
        if self.truncated || self.used + cost > TRANSCRIPT_BYTES {
            self.truncated = true;
        } else {
            self.used += cost;
            self.text.push_str(text);
            let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
            // The cap keeps it far below 4 GiB.
            let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            self.marks.push(Mark { nanos, end, side });
        }
    }

    /// Adds the lines of a transcript that began at `start` of this one.
    pub fn append(&mut self, start: Duration, later: Self) {
        self.text.reserve_exact(later.text.len());
        self.marks.reserve_exact(later.marks.len());
        for line in later.lines() {
            self.push(start + line.at, line.side, line.text);
        }
        self.truncated |= later.truncated;
    }

    /// As [`Self::append`], but no more than `most` bytes, so that there is room for what follows;
    /// a line says where lines were left out.
    pub fn append_some(&mut self, start: Duration, later: Self, most: usize) {
        let most = self.used + most;
        let mut cut = later.truncated;
        let mut last = start;
        for line in later.lines() {
            cut |= self.used + line.text.len() + LINE_OVERHEAD > most;
            if cut {
                break;
            }
            last = start + line.at;
            self.push(last, line.side, line.text);
        }
        if cut {
            self.push(last, Side::Note, "…");
        }
    }
}

/// What a line counts besides its text, so that empty ones are not free.
const LINE_OVERHEAD: usize = 16;

/// One round: all that one target's module gave in one go.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Wall time at the start.
    pub started: SystemTime,
    /// Wall time at the end.
    pub ended: SystemTime,
    /// MX records found, for a domain.
    pub mx_records: Option<u32>,
    /// The endpoints that the name stands for now, probed or not. Empty when resolving failed.
    pub endpoints: Vec<Endpoint>,
    /// Addresses over `max_endpoints`, or left out by the gentle limits: counted, not probed.
    pub left_out: u32,
    /// What was seen, in the order in which it ended.
    pub observations: Vec<Arc<Observation>>,
    /// Endpoints that were not probed, and why.
    pub skipped: Vec<(Endpoint, Skip)>,
    /// Endpoints whose remote is paused now that the round is over, until when, and the cause.
    pub paused: Vec<(Endpoint, SystemTime, Cause)>,
    /// Endpoints that the asker may not have probed.
    pub forbidden: Vec<Endpoint>,
    /// What is odd about where the name leads, for a person: MX records that are left out, and why.
    pub notes: Vec<String>,
}

/// Why an endpoint, or a whole round, was not probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Why.
    pub reason: SkipReason,
    /// Until when, if that is known.
    pub until: Option<SystemTime>,
    /// The cause of a pause.
    pub cause: Option<Cause>,
}

impl Round {
    /// A round that begins now.
    pub fn new(started: SystemTime) -> Self {
        Self {
            started,
            ended: started,
            mx_records: None,
            endpoints: Vec::new(),
            left_out: 0,
            observations: Vec::new(),
            skipped: Vec::new(),
            paused: Vec::new(),
            forbidden: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Notes that an endpoint was not probed, and for a pause until when and for which cause.
    pub fn skip(
        &mut self,
        endpoint: Endpoint,
        reason: SkipReason,
        pause: Option<(SystemTime, Cause)>,
    ) {
        let (until, cause) = pause.unzip();
        self.skipped.push((endpoint, Skip { reason, until, cause }));
    }

    /// The round, over now.
    #[must_use]
    pub fn end(mut self) -> Self {
        self.ended = SystemTime::now();
        self
    }
}

closed_enum! {
    /// Why nothing was probed.
    pub enum SkipReason {
        /// No permit of the remote or of the exporter came in time.
        Budget => "budget",
        /// The remote asked us to stay away.
        Backoff => "backoff",
        /// A connection-limit run holds the remote.
        Ladder => "ladder",
        /// The round before was still running.
        Overrun => "overrun",
        /// The exporter is stopping.
        Shutdown => "shutdown",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A probe of nothing in particular that went well.
    pub(crate) fn observation() -> Observation {
        let endpoint = Endpoint {
            host: "mx1.example.net".into(),
            port: 25,
            address: Some("192.0.2.25".parse().unwrap()),
            source: None,
            mx_preference: None,
        };
        let ended = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Observation { duration: Duration::from_millis(120), ..Observation::of(endpoint, ended) }
    }

    #[test]
    fn a_transcript_stops_at_its_cap_and_has_no_gaps() {
        let mut transcript = Transcript::default();
        for _ in 0..10_000 {
            transcript.push(Duration::ZERO, Side::Server, "x".repeat(84));
        }
        assert_eq!(transcript.len(), TRANSCRIPT_BYTES / 100);
        assert!(transcript.truncated);
        transcript.push(Duration::ZERO, Side::Note, "short");
        assert_eq!(transcript.len(), TRANSCRIPT_BYTES / 100);
        transcript.close();
        assert!(transcript.size() < TRANSCRIPT_BYTES + 1024, "{}", transcript.size());
    }

    #[test]
    fn lines_come_back_as_they_were_said() {
        let at = Duration::from_millis;
        let mut later = Transcript::default();
        later.push(at(1), Side::Server, "220 ä");
        later.push(at(2), Side::Client, "");
        let mut transcript = Transcript::default();
        transcript.push(at(5), Side::Note, "connected");
        transcript.append(at(10), later);
        let lines: Vec<_> =
            transcript.lines().map(|line| (line.at, line.side, line.text)).collect();
        let (note, server, client) = (Side::Note, Side::Server, Side::Client);
        let expected =
            [(at(5), note, "connected"), (at(11), server, "220 ä"), (at(12), client, "")];
        assert_eq!(lines, expected);
        assert_eq!((transcript.len(), transcript.is_empty()), (3, false));
    }
}
