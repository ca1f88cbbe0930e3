//! `posture` as `/config` shows it.

use std::sync::Arc;

use super::{Shown, labels, list, map, number, text};
use crate::config::value::show;
use crate::posture::Subject;

pub(super) fn subjects(subjects: &[Arc<Subject>]) -> Shown {
    Shown::List(subjects.iter().map(|subject| one(subject)).collect())
}

fn one(subject: &Subject) -> Shown {
    let mut keys = vec![
        ("domain", text(&subject.domain)),
        ("dkim_selectors", list(&subject.dkim_selectors)),
        ("sending_addresses", list(&subject.sending_addresses)),
    ];
    if let Some(helo) = &subject.helo {
        keys.push(("helo", text(helo)));
    }
    keys.push(("interval", text(show(subject.interval))));
    keys.push(("mx_port", number(subject.mx_port)));
    keys.push(("policy_port", number(subject.policy_port)));
    keys.extend(labels(&subject.labels));
    map(keys)
}
