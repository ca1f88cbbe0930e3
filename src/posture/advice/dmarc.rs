//! DMARC (RFC 7489).

use super::{A_LOOK, advice, passing};
use crate::cause::advice::Advice;

pub(super) const MISSING: Advice = advice(
    "Neither the domain nor its organisational domain has a DMARC record, so forged mail is \
     judged by guesswork, and large receivers refuse bulk mail from it.",
    "Publish a TXT record at _dmarc.DOMAIN, at first `v=DMARC1; p=none; rua=mailto:...`, and read \
     the reports before asking for more.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.6.3",
);

pub(super) const MULTIPLE_RECORDS: Advice = advice(
    "More than one record begins with `v=DMARC1`, so receivers act as if there were none.",
    "Delete all but one of them.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.6.3",
);

pub(super) const SYNTAX: Advice = advice(
    "The record, or a tag of it, cannot be read: receivers leave the tag out, or the whole record \
     if it is `v` or `p`.",
    "Correct the tag that is named: `tag=value` with `;` between, `v=DMARC1` first, `p` next.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.4",
);

pub(super) const POLICY_NONE: Advice = advice(
    "The policy is `none`: receivers report forged mail and deliver it all the same.",
    "When the reports show that all of the domain's own mail passes, ask for `quarantine`, then \
     `reject`.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.3",
);

pub(super) const SUBDOMAIN_POLICY_WEAKER: Advice = advice(
    "The policy for subdomains is weaker than the domain's own, so forgers use subdomains, even \
     ones that do not exist.",
    "Delete `sp`, or make it as strong as `p`, after giving subdomains that need another policy a \
     record of their own.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.3",
);

pub(super) const PARTIAL: Advice = advice(
    "With `pct` below 100 the policy holds for a part of the mail that fails, by chance, and later \
     standards do not know the tag.",
    "Delete `pct`, or raise it to 100.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.6.4",
);

pub(super) const NO_REPORTS: Advice = advice(
    "The record has no `rua` that can be used, so nobody hears which mail fails.",
    "Add `rua=mailto:` with a mailbox that is read, or a service that reads it.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-7",
);

pub(super) const REPORT_URI_INVALID: Advice = advice(
    "A report address cannot be read, or is no `mailto:`, so no report goes there.",
    "Write `mailto:` and a mail address, several with commas between, and `,` or `!` inside an \
     address as %2C and %21.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.2",
);

pub(super) const REPORT_UNAUTHORIZED: Advice = advice(
    "Reports are to go to a domain that has not said that it takes them, so receivers send none \
     there.",
    "Have the other domain publish a TXT record `v=DMARC1` at the name that is given, or use an \
     address of the domain itself.",
    "https://www.rfc-editor.org/rfc/rfc7489#section-7.1",
);

pub(super) const DNS_FAILURE: Advice = passing(
    "A question for a DMARC record was not answered, so receivers may put mail off or apply no \
     policy.",
    "See whether the name servers answer for the `_dmarc` name that is given, over TCP too.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc7489#section-6.6.3",
);
