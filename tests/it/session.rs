//! Whatever happens in whatever order, a session ends soon and never panics.

use std::time::Duration;

use proptest::prelude::*;
use smtp_exporter::smtp::{
    Action, Credentials, End, Envelope, Fault, Phase, Plan, Reply, Session, TlsMode,
};

/// The most actions that a session takes, QUIT and `Close` included: three greet, two are HELO's
/// fallbacks, five log in, three are a dry run.
const MOST_ACTIONS: usize = 24;

#[derive(Debug, Clone)]
enum Happens {
    Reply(Reply, usize),
    Handshake(bool),
    Plaintext,
    End(End),
    Cancel,
    Start,
}

fn reply() -> impl Strategy<Value = Reply> {
    let code = prop_oneof![
        6 => prop::sample::select(vec![220_u16, 250, 235, 334]),
        2 => prop::sample::select(vec![221_u16, 354, 421, 454, 500, 502, 535, 554]),
        1 => 200_u16..600,
    ];
    let line = prop_oneof![
        prop::sample::select(vec![
            "STARTTLS",
            "AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2",
            "XXXXXXXA",
            "********",
            "",
            "SIZE 99999999999999999999",
            "dGVzdA==",
        ])
        .prop_map(str::to_owned),
        ".{0,40}",
    ];
    (code, prop::collection::vec(line, 0..6)).prop_map(|(code, lines)| Reply {
        code,
        enhanced: None,
        lines,
    })
}

fn end() -> impl Strategy<Value = End> {
    prop::sample::select(vec![
        End::Closed,
        End::Reset,
        End::Timeout,
        End::HandshakeFailed,
        End::Tls("alert".into()),
        End::Io("unreachable".into()),
    ])
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        12 => (reply(), prop_oneof![9 => Just(0_usize), 1 => Just(7)])
            .prop_map(|(reply, leftover)| Happens::Reply(reply, leftover)),
        2 => any::<bool>().prop_map(Happens::Handshake),
        1 => end().prop_map(Happens::End),
        1 => prop::sample::select(vec![Happens::Plaintext, Happens::Cancel, Happens::Start]),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        prop::sample::select(TlsMode::ALL.to_vec()),
        prop::option::of(any::<bool>()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(tls, auth, auth_unverified, mail)| Plan {
            helo: "probe.example.test".to_owned(),
            tls,
            auth: auth.map(|token| Credentials {
                username: "alice".to_owned(),
                secret: "correct horse".into(),
                token,
            }),
            auth_unverified,
            mail: mail.then(|| Envelope {
                from: String::new(),
                to: "postmaster@example.test".to_owned(),
            }),
        })
}

fn tell(session: &mut Session, happens: Happens, now: Duration) -> Action {
    match happens {
        Happens::Reply(reply, leftover) => session.on_reply(reply, leftover, now),
        Happens::Handshake(verified) => session.on_handshake(verified, now),
        Happens::Plaintext => session.on_plaintext(now),
        Happens::End(end) => session.on_end(end, now),
        Happens::Cancel => session.cancel(now),
        Happens::Start => session.start(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Events of any kind at any time, in and out of order.
    #[test]
    fn any_order_of_events_ends(plan in plan(), events in prop::collection::vec(happens(), 60)) {
        let mut session = Session::new(plan);
        let mut action = session.start();
        let mut actions = 1;
        let mut now = Duration::ZERO;
        for event in events {
            if action == Action::Close {
                break;
            }
            now += Duration::from_millis(7);
            action = tell(&mut session, event, now);
            actions += 1;
        }
        prop_assert_eq!(action, Action::Close);
        prop_assert!(actions <= MOST_ACTIONS, "{} actions", actions);
        prop_assert!(session.finish().replies.len() < MOST_ACTIONS);
    }

    /// Events that a driver can meet, with what must hold of every session.
    #[test]
    fn no_session_says_what_it_must_not(
        plan in plan(),
        replies in prop::collection::vec((reply(), any::<bool>()), 60),
    ) {
        let mut session = Session::new(plan.clone());
        let mut action = session.start();
        let mut now = Duration::ZERO;
        let mut greeted = false;
        let mut trusted = false;
        let mut said: Vec<String> = Vec::new();
        let mut last_code = 0;
        for (reply, verified) in replies {
            if action == Action::Close {
                break;
            }
            now += Duration::from_millis(7);
            action = match action {
                Action::Close => unreachable!("looked at above"),
                Action::Handshake => {
                    trusted = verified;
                    prop_assert!(plan.tls != TlsMode::None);
                    session.on_handshake(verified, now)
                }
                Action::Await { phase } => {
                    prop_assert_eq!(phase, Phase::Greeting);
                    greeted = true;
                    last_code = reply.code;
                    session.on_reply(reply, 0, now)
                }
                Action::Send { bytes, phase, secret } => {
                    let line = String::from_utf8(bytes).unwrap();
                    prop_assert!(greeted, "spoke first: {}", line);
                    prop_assert!(line.ends_with("\r\n") && line.matches(['\r', '\n']).count() == 2);
                    prop_assert_eq!(secret, phase == Phase::Auth);
                    prop_assert!(!secret || trusted || plan.auth_unverified, "AUTH: {}", line);
                    prop_assert!(!matches!(last_code, 221 | 421), "{} after {}", line, last_code);
                    said.push(line);
                    last_code = reply.code;
                    session.on_reply(reply, 0, now)
                }
            };
        }
        prop_assert_eq!(action, Action::Close);
        let quits = said.iter().filter(|line| *line == "QUIT\r\n").count();
        prop_assert!(quits <= 1 && said.iter().all(|line| !line.starts_with("DATA")));
        let dialogue = session.finish();
        let strict = matches!(plan.tls, TlsMode::Required | TlsMode::Implicit);
        if dialogue.fault.is_none() {
            prop_assert!(dialogue.ready.is_some());
            prop_assert!(!strict || dialogue.tls.is_some(), "TLS was required");
            prop_assert!(said.last().is_some_and(|line| line == "QUIT\r\n" || line == "RSET\r\n"));
            let logged_in = dialogue.replies.iter().any(|(phase, reply)| {
                *phase == Phase::Auth && reply.code == 235
            });
            prop_assert_eq!(plan.auth.is_some(), logged_in);
        } else {
            let bad_end = matches!(dialogue.fault, Some(Fault::Ended(..) | Fault::Cancelled(_)));
            prop_assert!(!bad_end, "nothing ended: {:?}", dialogue.fault);
        }
        let total: Duration = dialogue.phases.iter().map(|(_, took)| *took).sum();
        prop_assert_eq!(total, now, "the phases fill the session");
    }
}
