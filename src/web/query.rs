//! The query of a URL as pairs, within bounds (the `application/x-www-form-urlencoded` form, which
//! is what Prometheus sends for `params`).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::Refusal;

/// Decoded pairs in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query, without its question mark.
    ///
    /// # Errors
    ///
    /// 400 when it is longer than 4096 bytes, has more than 32 parameters, or decodes to something
    /// that is not UTF-8.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_QUERY {
            return Err(Refusal::bad_request(format!(
                "the query is longer than {MAX_QUERY} bytes"
            )));
        }
        let mut pairs = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(Refusal::bad_request(format!(
                    "the query has more than {MAX_PARAMETERS} parameters"
                )));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that may be given once; an empty value counts as none.
    ///
    /// # Errors
    ///
    /// 400 when it is given twice, or its value is longer than 512 bytes.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
        let value = values.next();
        if values.next().is_some() {
            return Err(Refusal::bad_request(format!("`{name}` is given twice; give it once")));
        }
        match value {
            Some(value) if value.len() > MAX_VALUE => {
                Err(Refusal::bad_request(format!("`{name}` is longer than {MAX_VALUE} bytes")))
            }
            Some(value) if !value.is_empty() => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// The value of a switch: `true`, `1`, `false` or `0`; absent is false.
    ///
    /// # Errors
    ///
    /// 400 for any other value, and as [`Query::one`].
    pub fn switch(&self, name: &str) -> Result<bool, Refusal> {
        match self.one(name)? {
            Some("true" | "1") => Ok(true),
            None | Some("false" | "0") => Ok(false),
            Some(_) => Err(Refusal::bad_request(format!("`{name}` takes `true` or `false`"))),
        }
    }
}

fn decode(text: &str) -> Result<String, Refusal> {
    let spaced = if text.contains('+') { text.replace('+', " ").into() } else { Cow::from(text) };
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Refusal::bad_request("the query is not UTF-8 once it is percent-decoded")),
    }
}

const MAX_QUERY: usize = 4096;
const MAX_PARAMETERS: usize = 32;
const MAX_VALUE: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    #[test]
    fn reads_pairs() {
        let query = Query::parse("target=%5B2001%3adb8::1%5d:25&debug=true&&empty=&flag").unwrap();
        assert_eq!(query.one("target"), Ok(Some("[2001:db8::1]:25")));
        assert_eq!(query.one("empty"), Ok(None));
        assert_eq!(query.one("flag"), Ok(None));
        assert_eq!(query.one("module"), Ok(None));
        assert_eq!(query.switch("debug"), Ok(true));
        assert_eq!(query.switch("flag"), Ok(false));
    }

    #[test]
    fn refuses_what_is_twice_too_long_or_no_text() {
        let twice = Query::parse("target=a&target=b").unwrap();
        assert!(twice.one("target").unwrap_err().message.contains("given twice"));
        let long = Query::parse(&format!("target={}", "a".repeat(513))).unwrap();
        assert!(long.one("target").unwrap_err().message.contains("512 bytes"));
        assert!(Query::parse("target=%ff").unwrap_err().message.contains("UTF-8"));
        assert!(Query::parse(&"a&".repeat(33)).unwrap_err().message.contains("32"));
        assert!(Query::parse(&"a".repeat(4097)).unwrap_err().message.contains("4096"));
        let maybe = Query::parse("debug=maybe").unwrap();
        assert!(maybe.switch("debug").unwrap_err().message.contains("`true` or `false`"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Err(refusal) = Query::parse(&text) {
                prop_assert_eq!(refusal.status, hyper::StatusCode::BAD_REQUEST);
            }
        }

        #[test]
        fn what_was_encoded_is_decoded(pairs in proptest::collection::btree_map("[a-z]{1,8}", "\\PC{1,30}", 0..8)) {
            let text: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
                .collect();
            let query = Query::parse(&text.join("&")).unwrap();
            for (name, value) in &pairs {
                prop_assert_eq!(query.one(name), Ok(Some(value.as_str())));
            }
        }
    }
}
