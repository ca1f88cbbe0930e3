//! Stub until the merge.

/// Text.
pub fn text(line: &str) -> String {
    line.to_owned()
}

/// Json.
pub fn json(line: &str) -> String {
    line.to_owned()
}

/// Tsv.
pub fn tsv(line: &str) -> String {
    line.to_owned()
}
