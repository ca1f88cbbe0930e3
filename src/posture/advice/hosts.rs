//! Mail exchangers, and the reverse names and EHLO names of sending addresses.

use super::{A_LOOK, advice, passing};
use crate::cause::advice::Advice;

pub(super) const MX_MISSING: Advice = advice(
    "The domain has neither an MX record nor an address, so mail to it comes back.",
    "Publish an MX record, or a null MX (`0 .`) if the domain is not to get mail.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
);

pub(super) const MX_IMPLICIT: Advice = advice(
    "The domain has an address and no MX record, so senders knock at that address, which is often \
     a web server.",
    "Publish an MX record that names the mail server, or a null MX (`0 .`) if there is none.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
);

pub(super) const MX_ALIAS: Advice = advice(
    "The name in the MX record is an alias (CNAME), which it may not be, and some senders do not \
     follow it.",
    "Write the name at the end of the alias into the MX record, or give the name an address of its \
     own.",
    "https://www.rfc-editor.org/rfc/rfc2181#section-10.3",
);

pub(super) const MX_ADDRESS_LITERAL: Advice = advice(
    "The MX record holds an address where a name has to stand, so senders find no host there.",
    "Give the host a name with an address record, and name it in the MX record.",
    "https://www.rfc-editor.org/rfc/rfc1035#section-3.3.9",
);

pub(super) const MX_NO_ADDRESS: Advice = advice(
    "An exchanger's name has no address, so senders skip it or put the mail off.",
    "Publish an A or AAAA record for the name, or delete the MX record.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
);

pub(super) const MX_PRIVATE_ADDRESS: Advice = advice(
    "An exchanger's address is a loopback, private or reserved one, which leads senders to \
     themselves or nowhere.",
    "Publish the public address, and keep the internal one to an internal view of the zone.",
    "https://www.rfc-editor.org/rfc/rfc6890",
);

pub(super) const MX_DUPLICATE: Advice = advice(
    "Two MX records lead to the same host, so the second is no fallback and senders try the same \
     server twice.",
    "Delete one of the records, or point it to another machine.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
);

pub(super) const MX_NULL_WITH_OTHERS: Advice = advice(
    "A null MX, which says that the domain takes no mail, stands beside other MX records, and \
     senders differ in which they believe.",
    "Delete the null MX, or all the others.",
    "https://www.rfc-editor.org/rfc/rfc7505#section-3",
);

pub(super) const MX_INVALID_NAME: Advice = advice(
    "The name in the MX record can be no host's name, so senders cannot look it up.",
    "Write a whole host name of letters, digits and hyphens.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-2.3.5",
);

pub(super) const MX_TOO_MANY: Advice = advice(
    "The domain has more exchangers than are looked at here, and than senders try before they give \
     up for the time.",
    "Name fewer hosts, with several addresses each or behind a load balancer.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
);

pub(super) const MX_STRICT_REFUSED: Advice = advice(
    "A sender that heeds DANE and MTA-STS would not deliver to this exchanger.",
    "Mend what is said of its TLSA records, its certificate or the policy; until then its mail \
     comes only from senders that check nothing.",
    "https://www.rfc-editor.org/rfc/rfc8461#section-5",
);

pub(super) const MX_NO_TLS: Advice = advice(
    "The exchanger does not offer STARTTLS, so mail to it can be read on the way and some senders \
     refuse to send it.",
    "Turn STARTTLS on with a certificate for the exchanger's name.",
    "https://www.rfc-editor.org/rfc/rfc3207",
);

pub(super) const MX_DNS_FAILURE: Advice = passing(
    "A question for the exchangers or their addresses was not answered, so senders keep the mail \
     and try again.",
    "See whether every name server of the domain, and of its exchangers' names, answers.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
);

pub(super) const PTR_MISSING: Advice = advice(
    "The sending address has no reverse name, and many receivers refuse mail from such addresses.",
    "Have the provider of the address set a PTR record to the server's name.",
    "https://www.rfc-editor.org/rfc/rfc1912#section-2.1",
);

pub(super) const PTR_NOT_CONFIRMED: Advice = advice(
    "The address has a reverse name that does not lead back to it, so receivers do not believe it.",
    "Publish an A or AAAA record at the reverse name with this address, or correct the PTR record.",
    "https://www.rfc-editor.org/rfc/rfc8601#section-3",
);

pub(super) const PTR_HELO_MISMATCH: Advice = advice(
    "The server says another name in EHLO than its reverse name, which costs reputation at some \
     receivers.",
    "Say the reverse name in EHLO (`myhostname` or `smtp_helo_name` in Postfix, \
     `primary_hostname` in Exim).",
    "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.4",
);

pub(super) const PTR_HELO_NOT_CONFIRMED: Advice = advice(
    "The name said in EHLO does not lead to the sending address, and receivers that check it \
     refuse the mail.",
    "Publish an address record for the EHLO name with this address, or say a name that has one.",
    "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.1.1",
);

pub(super) const PTR_GENERIC: Advice = advice(
    "The reverse name looks made from the address, as those of dial-up lines and unnamed hosts \
     are, and receivers take such senders for infected computers.",
    "Have the provider set a name that says what the host does, such as mx1.example.net.",
    "https://www.rfc-editor.org/rfc/rfc5068#section-2",
);

pub(super) const PTR_TOO_MANY: Advice = advice(
    "The address has more than 10 reverse names, of which receivers follow the first few only.",
    "Leave one PTR record, for the name that the server says in EHLO.",
    "https://www.rfc-editor.org/rfc/rfc7208#section-5.5",
);

pub(super) const PTR_DNS_FAILURE: Advice = passing(
    "A question for the reverse name, or back from it, was not answered, so receivers may refuse \
     the sender for a time.",
    "See whether the name servers of the reverse zone answer; it is usually the provider's.",
    A_LOOK,
    "https://www.rfc-editor.org/rfc/rfc8601#section-3",
);
