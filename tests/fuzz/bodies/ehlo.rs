//! What an EHLO response offers: closed lists, whatever the words.

use smtp_exporter::smtp::{Capabilities, Keyword, Mechanism, Reply};

/// Each line of the bytes is a line of the response.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let found = parse(lines.clone());
    check(&found);

    let first = lines.iter().take(1).cloned().collect();
    assert_eq!(parse(first), Capabilities::default(), "the first line offers something");
    let again = lines.iter().chain(lines.iter().skip(1)).cloned().collect();
    assert_eq!(parse(again), found, "saying it twice changes it");
    let upper = lines.iter().map(|line| line.to_ascii_uppercase()).collect();
    let lower = lines.iter().map(|line| line.to_ascii_lowercase()).collect();
    assert_eq!(parse(upper), found, "capitals change it");
    assert_eq!(parse(lower), found, "small letters change it");
}

fn parse(lines: Vec<String>) -> Capabilities {
    Capabilities::parse(&Reply { code: 250, enhanced: None, lines })
}

fn check(found: &Capabilities) {
    assert!(found.keywords.is_sorted_by(|a, b| a < b), "{found:?}");
    assert!(found.mechanisms.is_sorted_by(|a, b| a < b), "{found:?}");
    assert!(found.keywords.len() <= Keyword::ALL.len());
    assert!(found.mechanisms.len() <= Mechanism::ALL.len());
    assert_ne!(found.max_size, Some(0));
    assert!(found.max_size.is_none() || found.offers(Keyword::Size));
    assert!(found.mechanisms.is_empty() || found.offers(Keyword::Auth));
    assert!(!(found.starttls_mangled && found.offers(Keyword::Starttls)));
    assert!(!found.helo_only);
}
