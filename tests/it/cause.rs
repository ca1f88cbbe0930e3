//! Replies to causes: the wordings that operators meet, the properties that hold for any reply
//! whatever, and the user's own rules.

use proptest::prelude::*;
use smtp_exporter::cause::rules::{NO_RULE, RuleFault, groups};
use smtp_exporter::cause::{
    Blame, Cause, Context, Judgement, Permanence, Rules, UserRule, explain, judge, unwrap,
};
use smtp_exporter::smtp::{Phase, Reply};

fn at(phase: Option<Phase>, line: &str) -> Judgement {
    let reply = unwrap::reply(line).unwrap_or_else(|| panic!("no reply in {line:?}"));
    judge(Context { phase, tls: false }, &reply)
}

fn cause(line: &str) -> Cause {
    at(None, line).cause
}

/// One code, many causes: only the words tell them apart.
#[test]
fn the_same_421_is_told_apart() {
    let told = [
        (
            "421 4.7.0 mx.example.net Error: too many connections from 192.0.2.1",
            "too_many_connections",
        ),
        ("421 4.7.0 mx.example.net Error: too many errors", "protocol_error"),
        ("421 4.7.0 You are sending too fast", "rate_limited"),
        ("421 4.7.0 Temporary System Problem. Try again later.", "system_problem"),
        ("421 4.7.0 Session timed out", "timeout"),
        ("421 4.7.0 Temporarily deferred due to poor sender reputation", "bad_reputation"),
        ("421 4.7.0 mx.example.net Rejecting open proxy a [192.0.2.1]", "blocklisted"),
        ("421 4.7.0 Connection refused by policy", "policy_rejected"),
        ("421 4.7.0 TLS is required by this server", "tls_required"),
        ("421 4.7.0 Reverse DNS lookup failed", "rdns_helo"),
        ("421 4.7.0 SPF check failed", "sender_auth_failed"),
        ("421 4.7.0 First-time client, greylisted", "greylisted"),
        ("421 4.7.0 Too many failed authentication attempts", "auth_required"),
        ("421 4.7.0 please try again later", "unknown"),
    ];
    for (line, expected) in told {
        assert_eq!(cause(line).as_str(), expected, "{line}");
    }
}

/// Vendors whose words say another thing than they mean.
#[test]
fn half_truths_are_read_as_their_authors_document_them() {
    let told = [
        ("450 4.3.2 Service currently unavailable", "greylisted"),
        ("451 Internal resources are temporarily unavailable", "greylisted"),
        ("451 Account service is temporarily unavailable", "too_many_connections"),
        (
            "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
            "mailbox_unavailable",
        ),
        ("421 4.7.23 rate limited: the address has no PTR record", "rdns_helo"),
        ("422 4.2.2 Greylisted", "greylisted"),
        ("452 4.4.5 Insufficient disk space; try again later", "storage_full"),
        ("421 4.4.5 concurrency limit reached", "too_many_connections"),
        (
            "451 4.7.650 The mail server [192.0.2.1] has been rate limited due to IP reputation.",
            "bad_reputation",
        ),
        (
            "421 too many concurrent SMTP connections; please try again later",
            "too_many_connections",
        ),
    ];
    for (line, expected) in told {
        assert_eq!(cause(line).as_str(), expected, "{line}");
    }
}

#[test]
fn the_phase_decides_where_words_do_not() {
    let of = |phase, line| at(Some(phase), line).cause;
    assert_eq!(of(Phase::Rcpt, "550 no"), Cause::MailboxUnavailable);
    assert_eq!(of(Phase::Mail, "550 no"), Cause::SenderRejected);
    assert_eq!(of(Phase::Greeting, "554 no"), Cause::PolicyRejected);
    assert_eq!(of(Phase::Auth, "500 no"), Cause::AuthRequired);
    assert_eq!(of(Phase::Starttls, "454 no"), Cause::SystemProblem);
    assert_eq!(of(Phase::Starttls, "454 4.7.0 no"), Cause::SystemProblem);
    assert_eq!(of(Phase::Starttls, "454 4.7.1 no"), Cause::SystemProblem);
    assert_eq!(of(Phase::Rcpt, "454 4.7.1 no"), Cause::PolicyRejected);
    assert_eq!(of(Phase::Ehlo, "501 no"), Cause::RdnsHelo);
    assert_eq!(cause("550 no"), Cause::Unknown);
    assert_eq!(at(Some(Phase::Auth), "535 no").blame, Blame::Sender);
    assert_eq!(
        of(Phase::Rcpt, "554 5.7.1 <a@example.net>: Relay access denied"),
        Cause::RelayDenied
    );
}

#[test]
fn permanence_is_not_the_code_alone() {
    assert_eq!(at(None, "421 please try again later").permanence, Permanence::Transient);
    assert_eq!(at(None, "550 5.1.1 User unknown").permanence, Permanence::Permanent);
    let disguised =
        at(None, "421 4.7.1 All mail will be permanently deferred; Retrying will NOT succeed");
    assert_eq!(disguised.permanence, Permanence::PermanentInDisguise);
    let by_words = at(None, "450 4.7.1 Rate limit exceeded. Retrying will not succeed");
    assert_eq!(by_words.cause, Cause::RateLimited);
    assert_eq!(by_words.permanence, Permanence::PermanentInDisguise);
    assert_eq!(at(None, "554 Rate limit exceeded").permanence, Permanence::Transient);
    assert_eq!(at(None, "550 Greylisted, come back").permanence, Permanence::Transient);
}

/// What no rule holds for stays without a cause, and says so.
#[test]
fn no_cause_is_forced() {
    for line in ["421", "450 qwertz", "554 no", "451 deferred", "550"] {
        let judgement = at(None, line);
        assert_eq!(judgement.cause, Cause::Unknown, "{line}");
    }
    assert_eq!(at(None, "450 qwertz").rule, NO_RULE);
}

#[test]
fn every_rule_and_cause_is_named_and_explained() {
    let text = explain::text("450 4.2.0 <a@example.net>: Recipient address rejected: Greylisted");
    assert!(text.contains("postfix.policy.greylist"), "{text}");
    assert!(groups().count() > 250, "rules were lost");
    for &cause in Cause::ALL.iter().filter(|c| c.is_stated() && **c != Cause::Unknown) {
        let rules = groups().filter(|(_, rule)| rule.cause == cause).count();
        assert!(rules >= 3, "{cause} has {rules} rules");
    }
}

fn user_rule(id: &str, pattern: &str, example: &str) -> UserRule {
    UserRule {
        id: id.to_owned(),
        cause: Cause::RateLimited,
        text: vec![pattern.to_owned()],
        codes: vec![4],
        enhanced: Vec::new(),
        phases: Vec::new(),
        permanence: None,
        blame: Some(Blame::Target),
        doc: None,
        example: example.to_owned(),
    }
}

#[test]
fn a_users_rule_stands_in_front_and_is_checked() {
    let rule = user_rule("local.quota", "purple .. fish", "421 4.7.0 the purple, sad fish");
    let rules = Rules::with_user_rules(vec![rule]).expect("a good rule");
    let reply = unwrap::reply("421 4.7.0 too many connections (purple fish)").unwrap();
    let judgement = rules.judge(Context { phase: None, tls: false }, &reply);
    assert_eq!((judgement.cause, &*judgement.rule), (Cause::RateLimited, "local.quota"));
    assert_eq!(judgement.blame, Blame::Target);
    assert_eq!(rules.family("local.quota").as_str(), "user");

    let bad = vec![
        user_rule("Bad Id", "a", "421 a"),
        user_rule("postfix.relay", "b", "421 b"),
        user_rule("local.brackets", "(c", "421 c"),
    ];
    let problems = Rules::with_user_rules(bad).expect_err("three bad rules");
    let faults: Vec<_> = problems.iter().map(|p| (p.index, &p.fault)).collect();
    assert!(matches!(
        faults.as_slice(),
        [(0, RuleFault::BadId), (1, RuleFault::DuplicateId), (2, RuleFault::BadPattern { .. })]
    ));
    assert!(problems[0].to_string().starts_with("rule \"Bad Id\": the id must be"));

    let shadowed = vec![
        user_rule("local.wide", "fish", "421 fish"),
        user_rule("local.narrow", "purple fish", "421 purple fish"),
    ];
    let problems = Rules::with_user_rules(shadowed).expect_err("the second is never reached");
    assert_eq!(problems[0].fault, RuleFault::NotWon("local.wide".to_owned()));
}

/// Words and signs out of which hostile and odd replies are made.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("too many".to_owned()),
        Just("user unknown ".to_owned()),
        Just("<".to_owned()),
        Just("@".to_owned()),
        Just("5.7.1 ".to_owned()),
        Just("relay ".to_owned()),
        Just("é\u{0}\t".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,6}",
    ]
}

proptest! {
    #[test]
    fn nothing_panics(
        code in 400_u16..600,
        lines in prop::collection::vec(prop::collection::vec(piece(), 0..30), 0..6),
    ) {
        let lines: Vec<String> = lines.into_iter().map(|pieces| pieces.concat()).collect();
        let text = lines.join("\n");
        let judgement =
            judge(Context { phase: None, tls: true }, &Reply { code, enhanced: None, lines });
        prop_assert!(judgement.cause.is_stated());
        let row = explain::tsv(&text);
        prop_assert_eq!(row.split('\t').count(), 3);
    }

    /// Case, line breaks, a repeated code and other addresses change nothing.
    #[test]
    fn decoration_changes_nothing(
        which in 0_usize..10_000,
        breaks in prop::collection::vec(any::<bool>(), 24),
        upper in any::<bool>(),
        octet in 1_u8..250,
    ) {
        let rules: Vec<_> = groups().collect();
        let (_, rule) = rules[which % rules.len()];
        let phase = rule.when.phases.first().copied();
        let context = Context { phase, tls: rule.when.tls.unwrap_or(false) };
        let plain = unwrap::reply(rule.example).expect("an example is a reply");
        let (code, text) = rule.example.split_at(3);
        let mut folded = format!("{code} ");
        for (n, word) in text.split_ascii_whitespace().enumerate() {
            let word = word.replace("192.0.2.1", &format!("192.0.2.{octet}"));
            folded.push_str(&if upper { word.to_uppercase() } else { word });
            folded.push_str(match breaks.get(n) {
                Some(true) => "\n",
                _ => " ",
            });
            if breaks.get(n) == Some(&true) {
                folded.push_str(code);
                folded.push(if breaks[0] { '-' } else { ' ' });
            }
        }
        let decorated = unwrap::reply(&folded).expect("still a reply");
        let (a, b) = (judge(context, &plain), judge(context, &decorated));
        prop_assert_eq!(a, b, "{:?}", folded);
    }

    /// A reply judged alone and the same reply pasted are one.
    #[test]
    fn a_paste_is_judged_like_the_live_reply(which in 0_usize..10_000) {
        let rules: Vec<_> = groups().filter(|(_, rule)| rule.when.phases.is_empty()).collect();
        let (_, rule) = rules[which % rules.len()];
        let row = explain::tsv(rule.example);
        prop_assert_eq!(row.split('\t').nth(1), Some(rule.id));
    }
}
