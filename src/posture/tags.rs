//! Lists of `tag=value` (RFC 6376, 3.2), which DKIM keys, DMARC, MTA-STS, TLS-RPT and BIMI records
//! are written in, and how their one record is found among a name's texts.

use std::collections::BTreeSet;
use std::fmt;

use super::text::word;

/// A list of tags. Unknown ones are kept: who reads the list leaves them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags<'a> {
    dialect: Dialect,
    tags: Vec<Tag<'a>>,
    faults: Vec<Fault>,
}

/// A tag of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name: letters, digits, `_`, and what else its dialect allows.
    pub name: &'a str,
    /// Its value without the white space around it, printable ASCII and white space alone.
    pub value: &'a str,
}

/// In what the standards differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 6376, 3.2: names are told apart by case, white space may stand anywhere around names and
    /// values, and a name that stands twice spoils the list.
    Dkim,
    /// RFC 7489, 6.4: as DKIM, but a name may be written in either case.
    Dmarc,
    /// RFC 8461, 3.1 and RFC 8460, 3: no white space around `=`, names may also hold `-` and `.`, and
    /// of a name that stands twice the first counts.
    Sts,
}

/// What is wrong with a tag, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The tag's name as it stands, printable; empty when it has none.
    pub tag: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What can be wrong with a tag, whatever it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing stands between two semicolons.
    Empty,
    /// There is no `=`.
    NoEquals,
    /// The name is no name.
    Name,
    /// The value holds what is neither printable ASCII nor white space.
    Value,
    /// The name stood before.
    Twice,
}

impl<'a> Tags<'a> {
    /// Reads a list. Tags that cannot be read are left out and stand among the [`Tags::faults`].
    pub fn parse(text: &'a [u8], dialect: Dialect) -> Self {
        let mut list = Self { dialect, tags: Vec::new(), faults: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut parts = text.split(|byte| *byte == b';').peekable();
        while let Some(part) = parts.next() {
            let part = trim(part);
            if part.is_empty() && parts.peek().is_none() {
                break;
            }
            match tag(part, dialect) {
                Ok(tag) => {
                    let key = match dialect {
                        Dialect::Dmarc => tag.name.to_ascii_lowercase(),
                        _ => tag.name.to_owned(),
                    };
                    if seen.insert(key) {
                        list.tags.push(tag);
                    } else if dialect != Dialect::Sts {
                        list.fault(tag.name.as_bytes(), Wrong::Twice);
                    }
                }
                Err((name, wrong)) => list.fault(name, wrong),
            }
        }
        list
    }

    /// The value of a tag; of several, the first one's.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let is = |tag: &&Tag<'a>| match self.dialect {
            Dialect::Dmarc => tag.name.eq_ignore_ascii_case(name),
            _ => tag.name == name,
        };
        self.tags.iter().find(is).map(|tag| tag.value)
    }

    /// The tags that could be read, in order, each name once.
    pub fn tags(&self) -> &[Tag<'a>] {
        &self.tags
    }

    /// What is wrong, at most [`MAX_FAULTS`].
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn fault(&mut self, name: &[u8], wrong: Wrong) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { tag: word(name), wrong });
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag, wrong } = self;
        match wrong {
            Wrong::Empty => f.write_str("nothing stands between two `;`"),
            Wrong::NoEquals => write!(f, "`{tag}` has no `=`"),
            Wrong::Name => write!(f, "`{tag}` is no tag's name"),
            Wrong::Value => write!(f, "the value of `{tag}` is not printable ASCII"),
            Wrong::Twice => write!(f, "`{tag}` stands twice"),
        }
    }
}

/// The parts of a value between `separator`, without the white space around them.
pub fn parts(value: &str, separator: char) -> impl Iterator<Item = &str> {
    value.split(separator).map(|part| part.trim_matches(is_space))
}

/// Records and others among the texts of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The texts whose first tag is the version asked for.
    pub records: Vec<&'a [u8]>,
    /// The first text that seems to be meant as one, and is none.
    pub almost: Option<&'a [u8]>,
}

/// Finds the texts that begin with `v=` and `version`. Other texts at the same name count for
/// nothing (RFC 7489, 6.6.3; RFC 8461, 3.1; RFC 8460, 3).
pub fn find<'a>(
    texts: impl Iterator<Item = &'a [u8]>,
    version: &str,
    dialect: Dialect,
) -> Found<'a> {
    let mut found = Found { records: Vec::new(), almost: None };
    for text in texts {
        if begins(text, version, dialect) {
            found.records.push(text);
        } else if found.almost.is_none() && seems(text, version) {
            found.almost = Some(text);
        }
    }
    found
}

fn begins(text: &[u8], version: &str, dialect: Dialect) -> bool {
    let first = text.split(|byte| *byte == b';').next().unwrap_or_default();
    !first.first().is_some_and(|byte| is_space(char::from(*byte)))
        && tag(trim(first), dialect).is_ok_and(|tag| {
            let named = match dialect {
                Dialect::Dmarc => tag.name.eq_ignore_ascii_case("v"),
                _ => tag.name == "v",
            };
            named && tag.value == version
        })
}

/// The version's letters stand near the start: in another case, after a quotation mark or white
/// space, with something else in between.
fn seems(text: &[u8], version: &str) -> bool {
    let start: String = text
        .iter()
        .take(32)
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let letters: String =
        version.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    start.starts_with(&letters) || start.strip_prefix('v').is_some_and(|s| s.starts_with(&letters))
}

/// A tag, or its name and what is wrong with it.
fn tag(part: &[u8], dialect: Dialect) -> Result<Tag<'_>, (&[u8], Wrong)> {
    if part.is_empty() {
        return Err((part, Wrong::Empty));
    }
    let Some(equals) = part.iter().position(|byte| *byte == b'=') else {
        return Err((part, Wrong::NoEquals));
    };
    let (name, value) = (part.get(..equals), part.get(equals + 1..));
    let (name, value) = (name.unwrap_or_default(), value.unwrap_or_default());
    let (name, value) = match dialect {
        Dialect::Sts => (name, value),
        Dialect::Dkim | Dialect::Dmarc => (trim(name), trim(value)),
    };
    let extra: &[u8] = if dialect == Dialect::Sts { b"_-." } else { b"_" };
    let begins = |byte: &u8| match dialect {
        Dialect::Sts => byte.is_ascii_alphanumeric(),
        Dialect::Dkim | Dialect::Dmarc => byte.is_ascii_alphabetic(),
    };
    let is_name = name.first().is_some_and(begins)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(byte));
    let readable = |byte: &u8| byte.is_ascii_graphic() || is_space(char::from(*byte));
    match (std::str::from_utf8(name), std::str::from_utf8(value)) {
        (Ok(name), Ok(value)) if is_name && value.bytes().all(|b| readable(&b)) => {
            Ok(Tag { name, value })
        }
        _ if is_name => Err((name, Wrong::Value)),
        _ => Err((name, Wrong::Name)),
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let inside = |byte: &u8| !is_space(char::from(*byte));
    let start = bytes.iter().position(inside).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(inside).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// White space, folded or not: the ends of lines that a long value was broken at are part of it.
pub const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Faults of one list that are told.
pub const MAX_FAULTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faults(text: &str, dialect: Dialect) -> Vec<String> {
        let tags = Tags::parse(text.as_bytes(), dialect);
        tags.faults().iter().map(ToString::to_string).collect()
    }

    fn pairs(text: &str, dialect: Dialect) -> Vec<(String, String)> {
        let tags = Tags::parse(text.as_bytes(), dialect);
        tags.tags().iter().map(|tag| (tag.name.to_owned(), tag.value.to_owned())).collect()
    }

    #[test]
    fn reads_lists_with_white_space_folded_or_not() {
        let expected = [("v", "DKIM1"), ("n", "a  note"), ("p", "AB\r\n CD"), ("x_1", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        for text in [
            "v=DKIM1;n=a  note;p=AB\r\n CD;x_1=",
            " v = DKIM1 ;\tn = a  note ; p\r\n =\r\n AB\r\n CD ; x_1 = ; ",
        ] {
            assert_eq!(pairs(text, Dialect::Dkim), expected, "{text:?}");
            assert_eq!(faults(text, Dialect::Dkim), [""; 0], "{text:?}");
        }
        assert_eq!(pairs("", Dialect::Dkim), []);
        assert_eq!(pairs(" ; ", Dialect::Dkim), []);
        assert_eq!(faults("", Dialect::Dkim), [""; 0]);
    }

    #[test]
    fn a_value_may_hold_equals_signs() {
        let tags = Tags::parse(b"p=AA==; rua=mailto:a@b?x=y", Dialect::Dmarc);
        assert_eq!(tags.value("p"), Some("AA=="));
        assert_eq!(tags.value("rua"), Some("mailto:a@b?x=y"));
        assert_eq!(tags.value("ruf"), None);
    }

    #[test]
    fn names_what_is_wrong_and_where() {
        for (text, expected) in [
            ("v=DKIM1;;p=", "nothing stands between two `;`"),
            ("v=DKIM1; p", "`p` has no `=`"),
            ("v=DKIM1; \"p\"=A", "`\"p\"` is no tag's name"),
            ("v=DKIM1; =A", "`` is no tag's name"),
            ("v=DKIM1; 1p=A", "`1p` is no tag's name"),
            ("v=DKIM1; a-b=A", "`a-b` is no tag's name"),
            ("v=DKIM1; p=bücher", "the value of `p` is not printable ASCII"),
            ("v=DKIM1; p=A; p=A", "`p` stands twice"),
        ] {
            assert_eq!(faults(text, Dialect::Dkim), [expected], "{text}");
        }
        // What can be read of such a list is there.
        assert_eq!(pairs("v=DKIM1; p; k=rsa", Dialect::Dkim).len(), 2);
        let many = "x;".repeat(100);
        assert_eq!(Tags::parse(many.as_bytes(), Dialect::Dkim).faults().len(), MAX_FAULTS);
    }

    #[test]
    fn dialects_differ_in_case_in_spaces_and_in_what_stands_twice() {
        let text = b"v=DMARC1; P=none; p=reject";
        assert_eq!(Tags::parse(text, Dialect::Dmarc).value("p"), Some("none"));
        assert_eq!(faults("v=DMARC1; P=none; p=reject", Dialect::Dmarc), ["`p` stands twice"]);
        assert_eq!(Tags::parse(text, Dialect::Dkim).value("p"), Some("reject"));
        assert_eq!(Tags::parse(text, Dialect::Dkim).faults(), []);
        assert_eq!(Tags::parse(b"id=a;id=b", Dialect::Sts).value("id"), Some("a"));
        assert_eq!(faults("v=STSv1; id=a; id=b; x-y.z=1; 1=2", Dialect::Sts), [""; 0]);
        assert_eq!(faults("v=STSv1; id =a", Dialect::Sts), ["`id ` is no tag's name"]);
    }

    #[test]
    fn finds_the_records_of_a_version_and_what_is_almost_one() {
        let texts: [&[u8]; 6] = [
            b"v=spf1 -all",
            b"v=DMARC1; p=none",
            b"V = DMARC1 ;p=none",
            b"v=DMARC1",
            b"v=DMARC12; p=none",
            b"x",
        ];
        let found = find(texts.into_iter(), "DMARC1", Dialect::Dmarc);
        assert_eq!(found.records, texts.get(1..4).unwrap());
        assert_eq!(found.almost, Some(texts[4]));
        for text in
            ["v=dmarc1; p=none", " v=DMARC1;", "\"v=DMARC1;", "DMARC1; p=none", "v=DMARC 1;"]
        {
            let found = find([text.as_bytes()].into_iter(), "DMARC1", Dialect::Dmarc);
            assert_eq!(found.records, [b""; 0], "{text}");
            assert_eq!(found.almost, Some(text.as_bytes()), "{text}");
        }
        for text in ["", "v=spf1 -all", "google-site-verification=1", "v=STSv1; id=1"] {
            let found = find([text.as_bytes()].into_iter(), "DMARC1", Dialect::Dmarc);
            assert_eq!(found, Found { records: vec![], almost: None }, "{text}");
        }
    }

    #[test]
    fn parts_of_a_value_stand_without_their_spaces() {
        assert_eq!(parts("sha1 : sha256", ':').collect::<Vec<_>>(), ["sha1", "sha256"]);
        assert_eq!(parts("", ':').collect::<Vec<_>>(), [""]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(
            text in prop::collection::vec(prop_oneof![any::<u8>(), Just(b';'), Just(b'=')], 0..200),
        ) {
            for dialect in [Dialect::Dkim, Dialect::Dmarc, Dialect::Sts] {
                let tags = Tags::parse(&text, dialect);
                prop_assert!(tags.faults().len() <= MAX_FAULTS);
                for tag in tags.tags() {
                    prop_assert!(!tag.name.is_empty() && tags.value(tag.name).is_some());
                }
            }
            find([text.as_slice()].into_iter(), "STSv1", Dialect::Sts);
        }

        #[test]
        fn what_is_written_is_read(
            written in prop::collection::btree_map("[a-z][a-z0-9_]{0,8}", "[!-:<-~]{0,20}", 0..8),
            space in "[ \t]{0,3}",
        ) {
            let text: String = written
                .iter()
                .map(|(name, value)| format!("{space}{name}{space}={space}{value}{space};"))
                .collect();
            let tags = Tags::parse(text.as_bytes(), Dialect::Dkim);
            prop_assert_eq!(tags.faults(), &[]);
            prop_assert_eq!(tags.tags().len(), written.len());
            for (name, value) in &written {
                prop_assert_eq!(tags.value(name), Some(value.as_str()));
            }
        }
    }
}
