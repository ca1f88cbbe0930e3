//! SPF (RFC 7208).

use super::{A_LOOK, advice, passing};
use crate::cause::advice::Advice;

pub(super) const MISSING: Advice = advice(
    "The domain has no SPF record, so receivers cannot tell its mail from forged mail by address.",
    "Publish a TXT record at the domain, such as `v=spf1 mx -all`, that names every address that \
     sends for it; a domain that never sends gets `v=spf1 -all`.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-3",
);

pub(super) const MULTIPLE_RECORDS: Advice = advice(
    "More than one TXT record begins with `v=spf1`, which is a permanent error: receivers take \
     none of them.",
    "Put the terms of all of them into one record and delete the others.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-4.5",
);

pub(super) const SYNTAX: Advice = advice(
    "A term of the SPF record cannot be read, and one such term spoils the whole record.",
    "Correct the term that is named, in the record at which it stands; if that is an include's, \
     tell its owner.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-4.6",
);

pub(super) const TOO_MANY_LOOKUPS: Advice = advice(
    "The record and those that it includes ask the DNS more than 10 times, so receivers stop with a \
     permanent error.",
    "Drop includes of services that no longer send, write `ip4` and `ip6` instead of `a` and `mx`, \
     or give a service a subdomain of its own.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4",
);

pub(super) const TOO_MANY_VOID_LOOKUPS: Advice = advice(
    "More than two names in the record lead nowhere, and receivers may stop there with a permanent \
     error.",
    "Delete the terms whose names have no record any more.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-11.1",
);

pub(super) const TOO_MANY_NAMES: Advice = advice(
    "An `mx` or `ptr` term leads to more than 10 names, which is a permanent error for `mx` and \
     leaves names out for `ptr`.",
    "Replace the term by the networks that send, as `ip4` and `ip6`.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-5.4",
);

pub(super) const INCLUDE_MISSING: Advice = advice(
    "An `include` names a domain without an SPF record, which is a permanent error.",
    "Correct the name as the service gives it today, or delete the term.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-5.2",
);

pub(super) const REDIRECT_MISSING: Advice = advice(
    "The `redirect` names a domain without an SPF record, which is a permanent error.",
    "Publish a record there, or say here how the record ends.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-6.1",
);

pub(super) const LOOP: Advice = advice(
    "The record includes or redirects to itself, by way of others or straight, until the limit of \
     look-ups ends it with a permanent error.",
    "Take out the term that leads back.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-10.1.1",
);

pub(super) const PASS_ALL: Advice = advice(
    "The record ends in `+all`, or in `all` without a sign, so that every address of the world may \
     send for the domain.",
    "Write `-all`, or `~all` for as long as senders are still being found.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-5.1",
);

pub(super) const NEUTRAL_ALL: Advice = advice(
    "The record ends in `?all`, which says nothing about other senders and stops no forger.",
    "Write `~all` once every sender is named, and then `-all`.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-8.2",
);

pub(super) const NO_ALL: Advice = advice(
    "The record has neither `all` nor `redirect`, so senders that it does not name are neutral.",
    "End the record with `-all` or `~all`.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-4.7",
);

pub(super) const UNREACHABLE_TERMS: Advice = advice(
    "Terms stand after `all`, or a `redirect` beside it, where no receiver ever looks.",
    "Put `all` last, and delete the `redirect` or the `all`.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-5.1",
);

pub(super) const PTR_MECHANISM: Advice = advice(
    "The record uses `ptr`, which is slow, asks the servers of others, and is not to be used any \
     more; some receivers refuse records with it.",
    "Name the addresses instead, by `ip4`, `ip6`, `a` or `mx`.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-5.5",
);

pub(super) const TOO_LONG: Advice = advice(
    "The answer with the record does not fit into 512 bytes, so that resolvers have to come again \
     over TCP, and some never do.",
    "Shorten the record, or move other TXT records of this name, such as proofs of ownership, \
     elsewhere.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-3.4",
);

pub(super) const SENDER_NOT_PASSING: Advice = advice(
    "One of the domain's own sending addresses does not pass, so its mail is refused or taken for \
     spam at receivers that heed SPF.",
    "Add the address to the record, or send from one that stands there.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-8",
);

pub(super) const DNS_FAILURE: Advice = passing(
    "A question that SPF needs was not answered, so receivers may put mail off as we had to.",
    "See whether the name servers of the zone that is named answer, from outside and over TCP.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc7208#section-8.6",
);
