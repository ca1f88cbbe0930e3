//! What a person or a script is told about a reply that they hold in their hands.

use super::unwrap;
use super::{Context, judge};

/// `cause<TAB>rule<TAB>line` for one line of input; what holds no refusal is `unknown`.
pub fn tsv(line: &str) -> String {
    let judgement =
        unwrap::reply(line).map(|reply| judge(Context { phase: None, tls: false }, &reply));
    match judgement {
        Some(j) => format!("{}\t{}\t{line}", j.cause, j.rule),
        None => format!("unknown\t{}\t{line}", super::rules::NO_RULE),
    }
}

/// Text.
pub fn text(line: &str) -> String {
    line.to_owned()
}

/// Json.
pub fn json(line: &str) -> String {
    line.to_owned()
}
