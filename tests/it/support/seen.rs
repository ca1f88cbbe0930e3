//! Checks and observations made by hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smtp_exporter::cause::Cause;
use smtp_exporter::observation::{
    Certificate, DnsReason, Failure, LadderSeen, Observation, Refusal, RefusedHow, ReplySeen,
    Round, Side, TlsFacts, TlsVersion, Transcript,
};
use smtp_exporter::smtp::{Capabilities, EnhancedCode, Keyword, Mechanism, Phase};
use smtp_exporter::target::{Check, Endpoint, HostName, Ladder, LadderMode, Module, Place, Target};

/// The moment that tests start from.
pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

/// A check of a host, with a label of its own.
pub(crate) fn check(name: &str) -> Check {
    let module = Arc::new(Module::new("smtp"));
    let host = HostName::Name(format!("{name}.example.net").into());
    let target = Target {
        name: name.into(),
        place: Place::Host { host, port: None },
        modules: vec![module.clone()],
        interval: None,
        labels: [("team".to_owned(), "mail".to_owned())].into(),
    };
    Check { target: Arc::new(target), module }
}

/// An endpoint of a check's host.
pub(crate) fn endpoint(name: &str, address: &str) -> Endpoint {
    Endpoint {
        host: format!("{name}.example.net").into(),
        port: 25,
        address: Some(address.parse().unwrap()),
        source: None,
        mx_preference: None,
    }
}

pub(crate) fn reply(
    phase: Phase,
    code: u16,
    enhanced: Option<(u8, u16, u16)>,
    cause: Option<Cause>,
) -> ReplySeen {
    let enhanced = enhanced.map(|(class, subject, detail)| EnhancedCode { class, subject, detail });
    ReplySeen { phase, code, enhanced, cause, text: "said".into() }
}

/// A transcript of one line.
pub(crate) fn transcript(text: &str) -> Arc<Transcript> {
    let mut transcript = Transcript::default();
    transcript.push(Duration::ZERO, Side::Server, text);
    Arc::new(transcript)
}

/// A probe in which nothing was seen.
pub(crate) fn blank(endpoint: Endpoint, ended: SystemTime) -> Observation {
    Observation {
        duration: Duration::from_millis(120),
        transcript: transcript("220 mx.example.net ESMTP"),
        ..Observation::of(endpoint, ended)
    }
}

/// A certificate that ends at `not_after`.
pub(crate) fn certificate(subject: &str, not_after: i64) -> Certificate {
    Certificate {
        fingerprint_sha256: "ab".repeat(32),
        serial: "01".to_owned(),
        subject: subject.to_owned(),
        issuer: "CN=Test CA".to_owned(),
        key: "EC P-256".to_owned(),
        names: vec!["mx1.example.net".to_owned()],
        not_before: 1_690_000_000,
        not_after,
    }
}

/// A probe that went well, with STARTTLS and a certificate that verifies.
pub(crate) fn healthy(endpoint: Endpoint, ended: SystemTime) -> Observation {
    let milliseconds = Duration::from_millis;
    Observation {
        phases: vec![
            (Phase::Resolve, milliseconds(1)),
            (Phase::Connect, Duration::from_micros(250)),
            (Phase::Greeting, milliseconds(20)),
            (Phase::Ehlo, milliseconds(2)),
            (Phase::Starttls, milliseconds(2)),
            (Phase::Tls, milliseconds(15)),
            (Phase::EhloTls, milliseconds(2)),
            (Phase::Quit, milliseconds(1)),
        ],
        replies: vec![
            reply(Phase::Greeting, 220, None, None),
            reply(Phase::Ehlo, 250, None, None),
            reply(Phase::Starttls, 220, Some((2, 0, 0)), None),
            reply(Phase::EhloTls, 250, None, None),
            reply(Phase::Quit, 221, Some((2, 0, 0)), None),
        ],
        ready: Some(milliseconds(41)),
        starttls_offered: Some(true),
        tls: Some(TlsFacts {
            established: true,
            verified: Some(true),
            version: Some(TlsVersion::Tls13),
            cipher: Some("TLS_AES_256_GCM_SHA384"),
            group: Some("X25519MLKEM768"),
            failures: Vec::new(),
            chain: [
                certificate("CN=mx1.example.net", 1_710_000_000),
                certificate("CN=Test CA", 1_705_000_000),
            ]
            .into(),
        }),
        plain: Some(Capabilities {
            keywords: vec![Keyword::EightBitMime, Keyword::Starttls],
            ..Capabilities::default()
        }),
        inside_tls: Some(Capabilities {
            keywords: vec![Keyword::EightBitMime, Keyword::Auth],
            mechanisms: vec![Mechanism::Plain, Mechanism::Other],
            max_size: Some(52_428_800),
            ..Capabilities::default()
        }),
        ..blank(endpoint, ended)
    }
}

/// A greeting of 421.
pub(crate) fn refused(endpoint: Endpoint, ended: SystemTime) -> Observation {
    let cause = Cause::TooManyConnections;
    Observation {
        phases: vec![
            (Phase::Connect, Duration::from_micros(250)),
            (Phase::Greeting, Duration::from_millis(3)),
        ],
        replies: vec![reply(Phase::Greeting, 421, Some((4, 7, 0)), Some(cause))],
        failure: Some(Failure::new(Phase::Greeting, cause, "4.7.0 too many connections")),
        transcript: transcript("421 4.7.0 too many connections"),
        ..blank(endpoint, ended)
    }
}

/// A probe that failed in `phase` without a reply.
pub(crate) fn failed(
    endpoint: Endpoint,
    ended: SystemTime,
    phase: Phase,
    cause: Cause,
) -> Observation {
    Observation {
        failure: Some(Failure::new(phase, cause, "")),
        transcript: transcript("failed"),
        ..blank(endpoint, ended)
    }
}

/// A failed resolve.
pub(crate) fn unresolved(reason: DnsReason, ended: SystemTime) -> Observation {
    let nowhere =
        Endpoint { host: "".into(), port: 25, address: None, source: None, mx_preference: None };
    Observation {
        phases: vec![(Phase::Resolve, Duration::from_millis(5))],
        failure: Some(Failure::dns(reason, "no such name")),
        ..blank(nowhere, ended)
    }
}

/// A round of these observations, whose endpoints are those that were seen.
pub(crate) fn round(observations: Vec<Observation>) -> Round {
    let ended = observations.iter().map(|seen| seen.ended).max().unwrap_or_else(|| at(0));
    let seen = observations.iter().map(|seen| seen.endpoint.clone());
    Round {
        ended,
        endpoints: seen.filter(|endpoint| endpoint.address.is_some()).collect(),
        observations: observations.into_iter().map(Arc::new).collect(),
        ..Round::new(ended - Duration::from_secs(1))
    }
}

/// A ladder of a check.
pub(crate) fn ladder(check: &Check, mode: LadderMode) -> Ladder {
    Ladder {
        check: check.clone(),
        mode,
        cap: 20,
        max_idle: Duration::from_secs(600),
        interval: Duration::from_secs(3600),
        helo: None,
        hold: Duration::from_secs(8),
    }
}

/// A run that ended with a 421 after so many sessions, and in which everything was seen.
pub(crate) fn refused_run(endpoint: Endpoint, mode: LadderMode, accepted: u32) -> LadderSeen {
    LadderSeen {
        accepted,
        tried: 20,
        refusal: Some(Refusal {
            code: 421,
            cause: Cause::TooManyConnections,
            phase: Phase::Greeting,
            how: RefusedHow::Reply,
            detail: "421 4.7.0 too many connections".to_owned(),
        }),
        greet_delay: Some(Duration::from_millis(30)),
        recovery: Some(Duration::from_millis(120)),
        idle: (mode == LadderMode::Idle).then_some(Duration::from_secs(300)),
        transcript: transcript("session 8 refused"),
        ..LadderSeen::of(endpoint, mode, at(4))
    }
}
