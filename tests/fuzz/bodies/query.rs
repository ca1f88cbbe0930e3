//! What stands in a URL, in an `Accept` header and in `target=`: bounded, and the same when it is
//! written out and read again.

use std::net::IpAddr;

use smtp_exporter::metrics::Format;
use smtp_exporter::target::{HostName, Place};
use smtp_exporter::web::Query;

/// The bytes as text are a query, a place and a header.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let chosen = Format::negotiate(&text);
    let named = text.to_ascii_lowercase().contains("application/openmetrics-text");
    assert!(chosen == Format::Text || named, "OpenMetrics for {text}");
    place(&text);
    let query = match Query::parse(&text) {
        Ok(query) => query,
        Err(refusal) => {
            assert_eq!(refusal.status.as_u16(), 400);
            return;
        }
    };
    for name in ["target", "module", "debug", "id", "q", "", "\u{fffd}"] {
        match query.one(name) {
            Ok(Some(value)) => {
                assert!((1..=512).contains(&value.len()));
                place(value);
            }
            Ok(None) => {}
            Err(refusal) => assert_eq!(refusal.status.as_u16(), 400),
        }
        let _ = query.switch(name);
    }
    // Order among other parameters does not matter, and an empty one is none.
    if text.len() < 4000
        && let Ok(more) = Query::parse(&format!("&{text}&&"))
    {
        assert_eq!(more, query);
    }
}

fn place(text: &str) {
    match Place::parse(text) {
        Ok(place) => {
            let shown = place.to_string();
            super::assert_one_line(&shown);
            assert!(shown.is_ascii() && shown.len() <= 270, "{shown}");
            assert_eq!(Place::parse(&shown).as_ref(), Ok(&place), "{shown} reads otherwise");
            let host = match &place {
                Place::Host { host, .. } => host.clone(),
                Place::Domain(name) => HostName::Name(name.clone()),
            };
            match host {
                HostName::Address(IpAddr::V6(address)) => {
                    assert_eq!(address.to_ipv4_mapped(), None, "a disguise is left on");
                }
                HostName::Address(_) => {}
                // Resolvers read numbers as addresses; a name must never be one.
                HostName::Name(name) => {
                    let last = name.rsplit('.').next().unwrap_or_default();
                    assert!(!last.bytes().all(|b| b.is_ascii_digit()), "{name} is a number");
                    assert!(
                        !last.starts_with("0x")
                            || !last[2..].bytes().all(|b| b.is_ascii_hexdigit()),
                        "{name}"
                    );
                }
            }
        }
        Err(text) => {
            super::assert_one_line(&text);
            assert!(text.len() < 2500, "{text}");
        }
    }
}
