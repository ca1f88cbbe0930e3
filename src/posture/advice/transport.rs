//! What holds senders to verified TLS: MTA-STS (RFC 8461), TLS reports (RFC 8460) and DANE
//! (RFC 7672).

use super::{A_LOOK, advice, passing};
use crate::cause::advice::Advice;

pub(super) const STS_RECORD_INVALID: Advice = advice(
    "The record at `_mta-sts` cannot be read or has no `id`, so senders act as if there were no \
     MTA-STS.",
    "Publish `v=STSv1; id=...;` with 1 to 32 letters and digits as the id.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.1",
);

pub(super) const STS_MULTIPLE_RECORDS: Advice = advice(
    "More than one record begins with `v=STSv1`, so senders act as if there were none.",
    "Leave one MTA-STS record, the one with the id of the policy that is served.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.1",
);

pub(super) const STS_POLICY_UNREACHABLE: Advice = advice(
    "The record announces a policy and its server does not answer, so new senders deliver without \
     MTA-STS and others keep the policy that they hold until it is too old.",
    "See that mta-sts.DOMAIN has an address, and that a web server answers there on port 443.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.3",
);

pub(super) const STS_POLICY_CERTIFICATE: Advice = advice(
    "The certificate of the policy's web server does not verify for mta-sts.DOMAIN, so senders do \
     not take the policy.",
    "Get a certificate for that very name from a public authority, and serve its chain.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.3",
);

pub(super) const STS_POLICY_STATUS: Advice = advice(
    "The web server answers with another status than 200, and senders follow no redirect, so there \
     is no policy for them.",
    "Serve the file at https://mta-sts.DOMAIN/.well-known/mta-sts.txt itself.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.3",
);

pub(super) const STS_POLICY_CONTENT_TYPE: Advice = advice(
    "The policy is not served as `text/plain`, and some senders then do not take it.",
    "Set the content type of the file in the web server.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.2",
);

pub(super) const STS_POLICY_TOO_LARGE: Advice = advice(
    "The policy has more than 64 KiB, where senders stop reading.",
    "See that the policy is served and not a web page, and name many exchangers by one pattern, \
     such as `*.example.net`.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.3",
);

pub(super) const STS_POLICY_INVALID: Advice = advice(
    "The policy cannot be read or a key is missing, so senders do not take it.",
    "Write `version: STSv1`, `mode:`, an `mx:` line for every exchanger, and `max_age:` in seconds, \
     one on each line.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.2",
);

pub(super) const STS_MX_NOT_COVERED: Advice = advice(
    "The policy does not name one of the domain's exchangers, so senders that heed it do not \
     deliver there.",
    "Add an `mx:` line for it and a new `id` to the record; only then change the MX records.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-4.1",
);

pub(super) const STS_MX_CERTIFICATE: Advice = advice(
    "An exchanger's certificate does not verify for its name against the public authorities, so \
     senders that heed the policy do not deliver there.",
    "Get a certificate for the name in the MX record, and serve the whole chain on port 25.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-4.2",
);

pub(super) const STS_SHORT_MAX_AGE: Advice = advice(
    "The policy may be kept for less than a day, so that whoever blocks its retrieval for so long \
     is rid of it.",
    "Raise `max_age` to weeks, such as 1209600, once the policy is settled.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.2",
);

pub(super) const STS_TESTING: Advice = advice(
    "The mode is `testing`: senders report failures and deliver without verified TLS all the same.",
    "When TLS reports show no failure, set the mode to `enforce` and change the `id`.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-5",
);

pub(super) const STS_ID_NOT_CHANGED: Advice = advice(
    "The policy changed and the record's `id` did not, so senders do not notice and keep the old \
     policy.",
    "Publish a new `id` after each change of the policy.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.1",
);

pub(super) const STS_ID_CHANGED_ALONE: Advice = passing(
    "The record's `id` changed and the policy did not: perhaps the web server still has the old \
     file.",
    "See whether the new policy has reached every web server.",
    "an hour, if the change is being rolled out",
    "https://www.rfc-editor.org/rfc/rfc8461#section-8.2",
);

pub(super) const STS_DNS_FAILURE: Advice = passing(
    "The question for the MTA-STS record was not answered, so senders that hold no policy deliver \
     without one.",
    "See whether the name servers answer for `_mta-sts`, and with TXT.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc8461#section-3.1",
);

pub(super) const TLSRPT_MISSING: Advice = advice(
    "The domain asks for verified TLS and has no TLS-RPT record, so nobody hears when senders \
     cannot deliver.",
    "Publish `v=TLSRPTv1; rua=mailto:...` at _smtp._tls.DOMAIN.",
    "https://www.rfc-editor.org/rfc/rfc8460#section-3",
);

pub(super) const TLSRPT_INVALID: Advice = advice(
    "The TLS-RPT record cannot be read or names no address for reports, so senders send none.",
    "Write `v=TLSRPTv1;` first, then `rua=` with `mailto:` or `https:` addresses.",
    "https://www.rfc-editor.org/rfc/rfc8460#section-3",
);

pub(super) const TLSRPT_MULTIPLE_RECORDS: Advice = advice(
    "More than one record begins with `v=TLSRPTv1`, so senders act as if TLS reports were not \
     wanted.",
    "Leave one TLS-RPT record, with all the addresses in its `rua=`.",
    "https://www.rfc-editor.org/rfc/rfc8460#section-3",
);

pub(super) const TLSRPT_DNS_FAILURE: Advice = passing(
    "The question for the TLS-RPT record was not answered, so senders do not report.",
    "See whether the name servers answer for `_smtp._tls`, and with TXT.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc8460#section-3",
);

pub(super) const DANE_BOGUS: Advice = advice(
    "DNSSEC says that the exchanger's records are forged or their signatures out of date, so \
     senders that validate deliver nothing.",
    "Sign the zone anew, and compare its DS record with its keys; until that works, take the DS \
     record out.",
    "https://www.rfc-editor.org/rfc/rfc7672#section-2.1.1",
);

pub(super) const DANE_LOOKUP_FAILED: Advice = passing(
    "The question for TLSA records fails, and DANE senders put mail off rather than deliver \
     unverified.",
    "Have the zone's name servers answer questions for TLSA at _25._tcp.HOST with records or with \
     a proof that there are none, and let no firewall drop the type.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc7672#section-2.1.1",
);

pub(super) const DANE_INSECURE: Advice = advice(
    "TLSA records stand in a zone that is not signed, where nobody heeds them.",
    "Sign the zone and have its DS record published, or delete the TLSA records.",
    "https://www.rfc-editor.org/rfc/rfc7672#section-2.2",
);

pub(super) const DANE_MISMATCH: Advice = advice(
    "No TLSA record matches the certificates that the exchanger shows, so DANE senders do not \
     deliver there.",
    "Publish a record for the key in use, such as `3 1 1` with its digest, and from then on publish \
     the next key's record before the key is put to use.",
    "https://www.rfc-editor.org/rfc/rfc7672#section-8.1",
);

pub(super) const DANE_NO_STARTTLS: Advice = advice(
    "TLSA records promise TLS and the exchanger does not offer STARTTLS, so DANE senders do not \
     deliver there.",
    "Turn STARTTLS on at the exchanger and see that no firewall takes it out, or delete the TLSA \
     records.",
    "https://www.rfc-editor.org/rfc/rfc7672#section-2.2",
);

pub(super) const DANE_UNUSABLE_USAGE: Advice = advice(
    "A TLSA record has usage 0 or 1, which SMTP does not use, and senders may treat it as none.",
    "Publish usage 3 for the server's own key, or 2 for the authority's.",
    "https://www.rfc-editor.org/rfc/rfc7672#section-3.1.3",
);

pub(super) const DANE_MALFORMED: Advice = advice(
    "A TLSA record has a usage, selector or matching type that does not exist, or a digest of the \
     wrong length, so it can match nothing.",
    "Make the record again from the certificate, with 32 bytes for matching type 1 and 64 for 2.",
    "https://www.rfc-editor.org/rfc/rfc6698#section-2.1",
);

pub(super) const DANE_NO_SPARE: Advice = advice(
    "Only the key in use is announced, so the next change of keys breaks delivery until caches \
     forget the old record.",
    "Make the next key now and publish its TLSA record beside the present one.",
    "https://www.rfc-editor.org/rfc/rfc7671#section-8.1",
);

pub(super) const DANE_CERTIFICATE_TOO_YOUNG: Advice = passing(
    "The certificate in use is younger than the TLSA records' TTL, so some senders still hold \
     records from before it.",
    "Leave the old records in place, and next time wait two TTLs between the record and the key.",
    "the TTL of the TLSA records",
    "https://www.rfc-editor.org/rfc/rfc7671#section-8.4",
);
