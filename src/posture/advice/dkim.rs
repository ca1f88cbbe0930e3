//! DKIM keys (RFC 6376, RFC 8301, RFC 8463).

use super::{A_LOOK, advice, passing};
use crate::cause::advice::Advice;

pub(super) const MISSING: Advice = advice(
    "There is no key at this selector, so no signature that names it verifies.",
    "Publish the key at SELECTOR._domainkey.DOMAIN, or sign with a selector that has one; a \
     selector that signs no longer is taken out of the configuration.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.2.1",
);

pub(super) const MULTIPLE_RECORDS: Advice = advice(
    "More than one TXT record stands at the selector, and what verifiers then do is undefined.",
    "Leave one record for each selector, and give a second key a selector of its own.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.2.2",
);

pub(super) const SYNTAX: Advice = advice(
    "The key record cannot be read, so signatures with this selector fail.",
    "Publish the record again as the signer printed it: one TXT record, `v=DKIM1` first if it is \
     there, and the whole key in `p=` without quotes or line breaks.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1",
);

pub(super) const REVOKED: Advice = advice(
    "The record has an empty `p=`, which says that the key was taken back, so signatures with it \
     fail.",
    "Sign with another selector, and take this one out of the configuration once nothing signed \
     with it is under way.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1",
);

pub(super) const UNKNOWN_KEY_TYPE: Advice = advice(
    "The key is of a type that verifiers do not know, so they ignore the record.",
    "Publish an RSA key of 2048 bits, with an Ed25519 key at another selector beside it if wanted.",
    "https://www.rfc-editor.org/rfc/rfc8463#section-4",
);

pub(super) const WEAK_KEY: Advice = advice(
    "The RSA key has fewer than 1024 bits, which can be broken, and verifiers must not take it.",
    "Make a key of 2048 bits under a new selector, sign with it, and then revoke this one.",
    "https://www.rfc-editor.org/rfc/rfc8301#section-3.2",
);

pub(super) const SHORT_KEY: Advice = advice(
    "The RSA key has fewer than 2048 bits, which signers should not use any more.",
    "Move to a key of 2048 bits under a new selector at the next rotation.",
    "https://www.rfc-editor.org/rfc/rfc8301#section-3.2",
);

pub(super) const TESTING: Advice = advice(
    "The record says `t=y`, that the domain only tests DKIM, and verifiers may treat its mail as \
     unsigned.",
    "Take `y` out of `t=` when signing works.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1",
);

pub(super) const HASH_OBSOLETE: Advice = advice(
    "The record's `h=` does not allow SHA-256, and SHA-1 is not accepted any more, so no signature \
     can verify.",
    "Delete `h=`, or write `h=sha256`, and have the signer use rsa-sha256.",
    "https://www.rfc-editor.org/rfc/rfc8301#section-3.1",
);

pub(super) const NOT_FOR_MAIL: Advice = advice(
    "The record's `s=` names services without mail, so verifiers ignore the key.",
    "Delete `s=`, or write `s=email`.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1",
);

pub(super) const DUPLICATE_KEY: Advice = advice(
    "The same key stands at two selectors, so taking one back leaves it good under the other.",
    "Make a key of its own for each selector.",
    "https://www.rfc-editor.org/rfc/rfc6376#section-3.1",
);

pub(super) const DNS_FAILURE: Advice = passing(
    "The question for the key was not answered, so verifiers may put mail off or take it for \
     unsigned.",
    "See whether the name servers that hold the selector answer, those behind an alias too.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc6376#section-6.1.2",
);
