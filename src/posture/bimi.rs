//! BIMI: whether there is a record for the selector `default`.

use super::tags::{Dialect, find};
use super::{Answer, text};

/// What was seen of BIMI.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BimiFacts {
    /// There is a record that begins with `v=BIMI1`; none when the DNS did not answer.
    pub present: Option<bool>,
    /// The record as it stands, printable, at most 2 KiB.
    pub record: Option<String>,
}

/// The name to ask for TXT records.
pub fn name(domain: &str) -> String {
    format!("default._bimi.{domain}")
}

/// What the answer means.
pub fn judge(answer: &Answer) -> BimiFacts {
    if answer.trouble().is_some() {
        return BimiFacts::default();
    }
    let found = find(answer.texts(), "BIMI1", Dialect::Dkim);
    let record = found.records.first().copied();
    BimiFacts { present: Some(record.is_some()), record: record.map(text::record) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posture::{Data, Outcome, Trouble};

    #[test]
    fn a_record_is_there_or_not_or_cannot_be_told() {
        let text = "v=BIMI1; l=https://example.net/logo.svg; a=";
        let data = ["v=spf1 -all", text].map(|text| Data::Text(text.as_bytes().to_vec()));
        let facts = judge(&Answer::new(Outcome::Found(data.to_vec())));
        assert_eq!(facts, BimiFacts { present: Some(true), record: Some(text.to_owned()) });
        for outcome in [Outcome::NoName, Outcome::NoData, Outcome::Found(data[..1].to_vec())] {
            let facts = judge(&Answer::new(outcome));
            assert_eq!(facts, BimiFacts { present: Some(false), record: None });
        }
        let facts = judge(&Answer::new(Outcome::Failed(Trouble::Timeout)));
        assert_eq!(facts, BimiFacts::default());
        assert_eq!(name("example.net"), "default._bimi.example.net");
    }
}
