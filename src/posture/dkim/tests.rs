use super::*;
use crate::posture::{Data, Outcome, Trouble};
use proptest::prelude::*;

/// RFC 6376, C: the key of its example, of 1024 bits.
const RFC_6376: &str = "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ\r\n    \
    KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\r\n    \
    IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v\r\n    \
    /RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi\r\n    \
    tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
/// RFC 8463, A.2.
const RFC_8463: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

const RSA_2048: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAi/WYT+LqPoA4ZsfKsG3L9VwsTsECmAaT7We8/ZnWwlAJ/XxT4+wj3Ax1fk2Pc4qdNdb7CejSNxuEOZNsKguMIlJ2WxD2Rxgeo+H4krWwGXJGIN7IJbNkZFS4/spuUttTnQrJHtIwhDLYUxtGOmY6+SUIGqWhrPYHIfXQvLL2itqRauLTpIOcdvJ2+7NCXS882uoThLoXETmnjbVb0xKRsFy33Yno5ds4QsqA+VchRP0CzC3FvX2wu3+G/gnKY1TWjk+RT8C4o7TK5KojFVLL+C5XfjUSJyMUWx8bH4R7J/g6cpmKLl4EkorgcEk+FDQ8UywIczES6MUUSS/8FhRmqwIDAQAB";
/// The same key as a bare RSAPublicKey.
const RSA_2048_BARE: &str = "MIIBCgKCAQEAi/WYT+LqPoA4ZsfKsG3L9VwsTsECmAaT7We8/ZnWwlAJ/XxT4+wj3Ax1fk2Pc4qdNdb7CejSNxuEOZNsKguMIlJ2WxD2Rxgeo+H4krWwGXJGIN7IJbNkZFS4/spuUttTnQrJHtIwhDLYUxtGOmY6+SUIGqWhrPYHIfXQvLL2itqRauLTpIOcdvJ2+7NCXS882uoThLoXETmnjbVb0xKRsFy33Yno5ds4QsqA+VchRP0CzC3FvX2wu3+G/gnKY1TWjk+RT8C4o7TK5KojFVLL+C5XfjUSJyMUWx8bH4R7J/g6cpmKLl4EkorgcEk+FDQ8UywIczES6MUUSS/8FhRmqwIDAQAB";
const RSA_768: &str = "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAMc2QuwK9Qn2QoFe+KTw6H9CWYmNVAgDAqDAf31ym4j0sGzaHdLyl+Dqe5xzq1teM/x/dGUhEwDQhO9RdrZ/ELw/B7c2K9ViM9u1EAIAug1/hly761e5C/ThX9jZPuhcnwIDAQAB";
const ED25519_INFO: &str = "MCowBQYDK2VwAyEAfRdfBYnHLDyvE1Q1tkThhyvBwSDLKi9WqnfVhAFlbcg=";
const EC_P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIKllCgtgIVAQ3GBroypnmvqEpwQJkv78jPLIRf804ijA/kFGwAFr9+fahGjL40o3tyWOm36I1bOusqBNt5qBEw==";

fn look(texts: &[&str]) -> (DkimFacts, Vec<(Problem, String)>) {
    let data = texts.iter().map(|text| Data::Text(text.as_bytes().to_vec())).collect();
    look_at(&Answer::new(Outcome::Found(data)))
}

fn look_at(answer: &Answer) -> (DkimFacts, Vec<(Problem, String)>) {
    let mut findings = Vec::new();
    let facts = judge(&"s1".into(), answer, &mut findings);
    assert!(findings.iter().all(|finding| finding.on == On::Selector("s1".into())));
    (facts, findings.into_iter().map(|finding| (finding.problem, finding.detail)).collect())
}

#[test]
fn the_standards_own_keys_are_read() {
    let (facts, findings) = look(&[RFC_6376]);
    assert_eq!((facts.present, facts.valid), (Some(true), Some(true)));
    assert_eq!((facts.key, facts.bits), (Some(DkimKey::Rsa), Some(1024)));
    assert_eq!(findings, [(Problem::DkimShortKey, "RSA, 1024 bits".to_owned())]);
    let (facts, findings) = look(&[RFC_8463]);
    assert_eq!((facts.present, facts.valid), (Some(true), Some(true)));
    assert_eq!((facts.key, facts.bits), (Some(DkimKey::Ed25519), Some(256)));
    assert_eq!(findings, []);
    assert_eq!(facts.record.as_deref(), Some(RFC_8463));
}

#[test]
fn an_rsa_key_is_taken_in_both_forms_and_is_the_same_key() {
    let (info, findings) = look(&[&format!("k=RSA;h=sha1:SHA256;s=*;t=s;n=x;g=*;p={RSA_2048}")]);
    assert_eq!((info.valid, info.bits, info.testing), (Some(true), Some(2048), false));
    assert_eq!(findings, []);
    let bare = RSA_2048_BARE.trim_end_matches('=');
    let (bare, findings) = look(&[&format!("v=DKIM1; s=tlsrpt:email; p= {bare} ")]);
    assert_eq!((bare.valid, bare.bits), (Some(true), Some(2048)));
    assert_eq!(findings, []);
    assert_eq!(info.key_sha256, bare.key_sha256);
    assert!(info.key_sha256.is_some());
}

#[test]
fn each_thing_that_is_wrong_is_named() {
    for (text, problem, detail) in [
        ("v=DKIM1; p=", Problem::DkimRevoked, "`p` is empty"),
        ("v=DKIM1", Problem::DkimSyntax, "`p` is missing"),
        ("v=dkim1; p=KEY", Problem::DkimSyntax, "`v=dkim1` must be `v=DKIM1`"),
        ("p=KEY; v=DKIM1", Problem::DkimSyntax, "`v` must be the first tag"),
        ("v=DKIM1; p=KEY; p=KEY", Problem::DkimSyntax, "`p` stands twice"),
        ("v=DKIM1; h=; p=KEY", Problem::DkimSyntax, "`h` is empty"),
        ("v=DKIM1; s=; p=KEY", Problem::DkimSyntax, "`s` is empty"),
        ("v=DKIM1; h=sha1; p=KEY", Problem::DkimHashObsolete, "`h=sha1` is without sha256"),
        ("v=DKIM1; h=md5; p=KEY", Problem::DkimHashObsolete, "`h=md5` is without sha256"),
        ("v=DKIM1; s=web; p=KEY", Problem::DkimNotForMail, "`s=web` is without email"),
        ("v=DKIM1; k=rsa2; p=KEY", Problem::DkimUnknownKeyType, "`k=rsa2`"),
        ("v=DKIM1; p=\"MIIB\"", Problem::DkimSyntax, "`p`: is not Base64"),
        ("v=DKIM1; p=MIIB", Problem::DkimSyntax, "`p`: is no RSA key"),
        (
            "v=DKIM1; p=INFO",
            Problem::DkimSyntax,
            "`p`: holds an Ed25519 key, and `k` does not say so",
        ),
        (
            "v=DKIM1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            Problem::DkimSyntax,
            "`p`: holds 32 bytes, as an Ed25519 key has, and `k` does not say so",
        ),
        (
            "v=DKIM1; k=ed25519; p=INFO",
            Problem::DkimSyntax,
            "`p`: holds 44 bytes, a SubjectPublicKeyInfo instead of the key alone; an Ed25519 key \
             has 32",
        ),
        (
            "v=DKIM1; k=ed25519; p=MIIB",
            Problem::DkimSyntax,
            "`p`: holds 3 bytes; an Ed25519 key has 32",
        ),
        ("v=DKIM1; p=CURVE", Problem::DkimSyntax, "`p`: is no RSA key"),
        ("v=DKIM1; p=WEAK", Problem::DkimWeakKey, "RSA, 768 bits"),
        ("v=DKIM1; t=s:y; p=KEY", Problem::DkimTesting, "`t=s:y`"),
    ] {
        let text = text
            .replace("KEY", RSA_2048)
            .replace("INFO", ED25519_INFO)
            .replace("CURVE", EC_P256)
            .replace("WEAK", RSA_768);
        let (facts, findings) = look(&[&text]);
        assert_eq!(findings, [(problem, detail.to_owned())], "{text}");
        assert_eq!(facts.present, Some(true), "{text}");
        // A key that is being tested is a key.
        assert_eq!(facts.valid, Some(problem == Problem::DkimTesting), "{text}");
        assert_eq!(facts.testing, problem == Problem::DkimTesting, "{text}");
        assert_eq!(facts.revoked, problem == Problem::DkimRevoked, "{text}");
    }
}

#[test]
fn a_modulus_or_an_exponent_that_cannot_be_is_no_key() {
    // SEQUENCE { INTEGER modulus, INTEGER exponent }.
    for der in [
        &[0x30, 6, 2, 1, 0, 2, 1, 3][..],
        &[0x30, 6, 2, 1, 4, 2, 1, 3],
        &[0x30, 6, 2, 1, 5, 2, 1, 2],
        &[0x30, 6, 2, 1, 5, 2, 1, 1],
    ] {
        use base64::Engine as _;
        let p = base64::engine::general_purpose::STANDARD.encode(der);
        let (facts, findings) = look(&[&format!("v=DKIM1; p={p}")]);
        assert_eq!(findings.len(), 1, "{der:?}");
        assert_eq!(findings[0].1, "`p`: is no RSA key: modulus or exponent cannot be");
        assert_eq!(facts.bits, None);
    }
}

#[test]
fn bits_are_counted_from_the_first_one() {
    use base64::Engine as _;
    // 0x0101, and 0x8101, which needs a zero in front so as not to be below zero.
    let short: (&[u8], u32) = (&[0x30, 7, 2, 2, 1, 1, 2, 1, 3], 9);
    let long: (&[u8], u32) = (&[0x30, 8, 2, 3, 0, 0x81, 1, 2, 1, 3], 16);
    for (der, bits) in [short, long] {
        let p = base64::engine::general_purpose::STANDARD.encode(der);
        let (facts, findings) = look(&[&format!("v=DKIM1; p={p}")]);
        assert_eq!(facts.bits, Some(bits));
        assert_eq!(findings, [(Problem::DkimWeakKey, format!("RSA, {bits} bits"))]);
    }
}

#[test]
fn bytes_after_a_key_are_told() {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let mut der = engine.decode(RSA_2048).unwrap();
    der.extend([1, 2]);
    let (_, findings) = look(&[&format!("p={}", engine.encode(der))]);
    assert_eq!(findings, [(Problem::DkimSyntax, "`p`: has 2 bytes after the key".to_owned())]);
}

#[test]
fn what_a_wildcard_brings_is_no_key() {
    for text in ["v=spf1 -all", "google-site-verification=abc", "hello", "v=DMARC1; p=none"] {
        let (facts, findings) = look(&[text]);
        assert_eq!((facts.present, facts.valid), (Some(false), Some(false)), "{text}");
        let detail = format!("what stands there is no DKIM key: {text}");
        assert_eq!(findings, [(Problem::DkimMissing, detail)]);
        assert_eq!(facts.record.as_deref(), Some(text));
        // Beside a key it counts for nothing.
        let (facts, findings) = look(&[text, RFC_8463]);
        assert_eq!((facts.present, facts.valid), (Some(true), Some(true)), "{text}");
        assert_eq!(findings, []);
        assert_eq!(facts.record.as_deref(), Some(RFC_8463));
    }
}

#[test]
fn nothing_several_and_no_answer() {
    for outcome in [Outcome::NoName, Outcome::NoData, Outcome::Found(Vec::new())] {
        let (facts, findings) = look_at(&Answer::new(outcome));
        assert_eq!((facts.present, facts.valid), (Some(false), Some(false)));
        assert_eq!(findings, [(Problem::DkimMissing, "no TXT record at s1._domainkey".into())]);
    }
    let (facts, findings) = look(&[RFC_8463, RFC_6376]);
    assert_eq!((facts.present, facts.valid, facts.bits), (Some(true), Some(false), None));
    let detail = "2 records at s1._domainkey".to_owned();
    assert_eq!(findings, [(Problem::DkimMultipleRecords, detail)]);
    let (facts, findings) = look_at(&Answer::new(Outcome::Failed(Trouble::Servfail)));
    assert_eq!((facts.present, facts.valid), (None, None));
    let detail = "TXT s1._domainkey: servfail".to_owned();
    assert_eq!(findings, [(Problem::DkimDnsFailure, detail)]);
    let (facts, findings) = look_at(&Answer::new(Outcome::Failed(Trouble::Ours)));
    assert_eq!((facts.present, facts.valid), (None, None));
    assert_eq!(findings, []);
}

#[test]
fn one_key_at_two_selectors_is_found_once_for_each_that_repeats_it() {
    let key =
        |selector: &str, text: &str| DkimFacts { selector: selector.into(), ..look(&[text]).0 };
    let keys = [
        key("a", RFC_8463),
        key("b", RFC_6376),
        key("c", RFC_8463),
        key("c", RFC_8463),
        key("d", "v=DKIM1; p="),
        key("e", "v=DKIM1; p="),
    ];
    let mut findings = Vec::new();
    duplicates(&keys, &mut findings);
    let found: Vec<_> = findings.iter().map(|f| (&f.on, f.detail.as_str())).collect();
    let on = On::Selector("c".into());
    assert_eq!(found, [(&on, "the key of selector a"), (&on, "the key of selector a")]);
    assert!(findings.iter().all(|f| f.problem == Problem::DkimDuplicateKey));
    findings.clear();
    duplicates(&keys[1..3], &mut findings);
    assert_eq!(findings, []);
}

proptest! {
    #[test]
    fn any_text_is_judged(
        start in prop_oneof![Just(""), Just("v=DKIM1; p="), Just("k=ed25519;p=")],
        text in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start.as_bytes(), &text].concat();
        let mut findings = Vec::new();
        let answer = Answer::new(Outcome::Found(vec![Data::Text(bytes)]));
        let facts = judge(&"s".into(), &answer, &mut findings);
        let errors = findings.iter().any(|f| f.problem.severity() == crate::posture::Severity::Error);
        prop_assert_eq!(facts.valid, Some(!errors));
        prop_assert!(facts.record.is_some_and(|record| record.len() <= 2048));
        prop_assert!(findings.iter().all(|f| f.detail.len() <= 512));
    }

    /// Whatever DER stands in `p`, with and without the wrapping.
    #[test]
    fn any_key_is_read(der in prop::collection::vec(any::<u8>(), 0..200), bare in any::<bool>()) {
        use base64::Engine as _;
        let mut bytes = if bare { vec![0x30, 0x81, 0x80, 0x02] } else { Vec::new() };
        bytes.extend(der);
        let p = base64::engine::general_purpose::STANDARD.encode(bytes);
        for kind in DkimKey::ALL {
            if let Ok(key) = Key::read(*kind, &p) {
                prop_assert!(key.bits > 0);
            }
        }
    }
}
