//! What a sender that insists on verified TLS would do with a mail exchanger.

use super::MxHost;
use crate::posture::tlsa::DaneStatus;

closed_enum! {
    /// What a sender that heeds DANE (RFC 7672) and MTA-STS (RFC 8461) would do, DANE first.
    pub enum Strict {
        /// Deliver over TLS verified by DANE.
        Dane => "dane",
        /// Deliver over TLS verified by MTA-STS.
        MtaSts => "mta_sts",
        /// Deliver: nothing asks for verified TLS.
        Opportunistic => "opportunistic",
        /// Not deliver: DANE forbids it.
        RefusedDane => "refused_dane",
        /// Not deliver: MTA-STS forbids it.
        RefusedMtaSts => "refused_mta_sts",
    }
}

impl Strict {
    /// Mail would be delivered.
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Dane | Self::MtaSts | Self::Opportunistic)
    }
}

/// Joins what is known of a host: DANE before MTA-STS before opportunistic TLS. `enforced`: the
/// MTA-STS mode is `enforce`. None when what decides could not be told.
///
/// # Why
///
/// A host whose TLSA records are proven must match one (RFC 7672, 2.2), and MTA-STS cannot make up for
/// it (RFC 8461, 2). Records that are proven and that SMTP cannot use ask for TLS without saying whose
/// (RFC 7672, 2.2): there MTA-STS still has its say. A question that fails, or an answer that is
/// forged, puts the host off (2.1.1). Records in an unsigned zone say nothing.
pub fn strict(host: &MxHost, enforced: bool) -> Option<Strict> {
    // Nobody delivers to a host without an address, and nobody forbids it.
    if host.addresses.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    match host.dane.status? {
        DaneStatus::Bogus | DaneStatus::Failed => return Some(Strict::RefusedDane),
        DaneStatus::Secure if host.dane.usable > 0 => {
            return match (host.starttls, host.dane.matched) {
                (Some(false), _) | (_, Some(false)) => Some(Strict::RefusedDane),
                (Some(true), Some(true)) => Some(Strict::Dane),
                _ => None,
            };
        }
        DaneStatus::Secure if !host.dane.records.is_empty() => {
            if !host.starttls? {
                return Some(Strict::RefusedDane);
            }
        }
        DaneStatus::Secure | DaneStatus::Insecure | DaneStatus::None => {}
    }
    if !enforced {
        return Some(Strict::Opportunistic);
    }
    match (host.sts_covered, host.starttls, host.pkix) {
        (Some(false), ..) | (_, Some(false), _) | (.., Some(false)) => Some(Strict::RefusedMtaSts),
        (Some(true), Some(true), Some(true)) => Some(Strict::MtaSts),
        _ => None,
    }
}

/// Why a strict sender refuses a host.
pub(super) fn why(host: &MxHost, strict: Strict) -> &'static str {
    match (strict, host.dane.status) {
        (Strict::RefusedDane, Some(DaneStatus::Bogus)) => "DANE: DNSSEC does not verify",
        (Strict::RefusedDane, Some(DaneStatus::Failed)) => "DANE: the TLSA records cannot be had",
        (Strict::RefusedDane, _) if host.starttls == Some(false) => "DANE: no STARTTLS",
        (Strict::RefusedDane, _) => "DANE: no TLSA record matches",
        _ if host.sts_covered == Some(false) => "MTA-STS: the policy does not name it",
        _ if host.starttls == Some(false) => "MTA-STS: no STARTTLS",
        _ => "MTA-STS: the certificate does not verify",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posture::tlsa::{DaneFacts, Record};

    const MAYBE: [Option<bool>; 3] = [None, Some(false), Some(true)];

    fn host(
        dane: (Option<DaneStatus>, u32, u32, Option<bool>),
        starttls: Option<bool>,
        pkix: Option<bool>,
        sts_covered: Option<bool>,
    ) -> MxHost {
        let (status, records, usable, matched) = dane;
        let record = Record { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
        let records = vec![record; records as usize];
        let dane = DaneFacts { status, records, usable, matched, ..DaneFacts::default() };
        MxHost { starttls, pkix, sts_covered, dane, ..MxHost::default() }
    }

    /// What MTA-STS comes to, said once more and otherwise: a refusal outweighs what is not known.
    fn sts(enforced: bool, needs: [Option<bool>; 3]) -> Option<Strict> {
        if !enforced {
            Some(Strict::Opportunistic)
        } else if needs.contains(&Some(false)) {
            Some(Strict::RefusedMtaSts)
        } else {
            needs.iter().all(|need| *need == Some(true)).then_some(Strict::MtaSts)
        }
    }

    /// Every state of a host.
    fn all() -> Vec<(MxHost, bool)> {
        let mut all = Vec::new();
        let statuses = DaneStatus::ALL.iter().copied().map(Some).chain([None]);
        for status in statuses {
            for (records, usable) in [(0, 0), (1, 0), (2, 1)] {
                for matched in MAYBE {
                    for starttls in MAYBE {
                        for pkix in MAYBE {
                            for covered in MAYBE {
                                for enforced in [false, true] {
                                    let dane = (status, records, usable, matched);
                                    all.push((host(dane, starttls, pkix, covered), enforced));
                                }
                            }
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn the_whole_table_of_what_a_strict_sender_does() {
        let mut seen = std::collections::BTreeMap::new();
        for (host, enforced) in all() {
            let needs = [host.sts_covered, host.starttls, host.pkix];
            let expected = match (host.dane.status, host.dane.records.len(), host.dane.usable) {
                (None, ..) => None,
                (Some(DaneStatus::Bogus | DaneStatus::Failed), ..) => Some(Strict::RefusedDane),
                (Some(DaneStatus::Secure), _, 1) => {
                    let needs = [host.starttls, host.dane.matched];
                    if needs.contains(&Some(false)) {
                        Some(Strict::RefusedDane)
                    } else if needs == [Some(true); 2] {
                        Some(Strict::Dane)
                    } else {
                        None
                    }
                }
                (Some(DaneStatus::Secure), 1, 0) => match host.starttls {
                    None => None,
                    Some(false) => Some(Strict::RefusedDane),
                    Some(true) => sts(enforced, needs),
                },
                (Some(DaneStatus::Secure | DaneStatus::Insecure | DaneStatus::None), ..) => {
                    sts(enforced, needs)
                }
            };
            let strict = strict(&host, enforced);
            assert_eq!(strict, expected, "{host:?}, enforced: {enforced}");
            *seen.entry(strict).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), Strict::ALL.len() + 1, "not every outcome was seen: {seen:?}");
    }

    /// Some rows of it by hand, so that the table above cannot be wrong together with the code.
    #[test]
    fn rows_of_the_table_by_hand() {
        use DaneStatus::{Bogus, Failed, Insecure, None as Nothing, Secure};
        const Y: Option<bool> = Some(true);
        const N: Option<bool> = Some(false);
        let rows = [
            // DANE                     TLS PKIX named enforced
            ((Some(Secure), 2, 1, Y), Y, N, N, true, Some(Strict::Dane)),
            ((Some(Secure), 2, 1, N), Y, Y, Y, true, Some(Strict::RefusedDane)),
            ((Some(Secure), 2, 1, None), N, None, Y, true, Some(Strict::RefusedDane)),
            ((Some(Secure), 2, 1, None), None, None, Y, true, None),
            ((Some(Secure), 1, 0, None), Y, N, None, false, Some(Strict::Opportunistic)),
            ((Some(Secure), 1, 0, None), N, None, None, false, Some(Strict::RefusedDane)),
            ((Some(Secure), 1, 0, None), Y, N, Y, true, Some(Strict::RefusedMtaSts)),
            ((Some(Bogus), 0, 0, None), Y, Y, Y, true, Some(Strict::RefusedDane)),
            ((Some(Failed), 0, 0, None), Y, Y, None, false, Some(Strict::RefusedDane)),
            ((Some(Insecure), 1, 1, N), Y, Y, Y, true, Some(Strict::MtaSts)),
            ((Some(Insecure), 1, 1, N), N, None, None, false, Some(Strict::Opportunistic)),
            ((Some(Nothing), 0, 0, None), Y, Y, N, true, Some(Strict::RefusedMtaSts)),
            ((Some(Nothing), 0, 0, None), N, None, Y, true, Some(Strict::RefusedMtaSts)),
            ((Some(Nothing), 0, 0, None), None, None, Y, true, None),
            ((Some(Nothing), 0, 0, None), None, None, None, false, Some(Strict::Opportunistic)),
            ((None, 0, 0, None), Y, Y, Y, true, None),
        ];
        for (dane, starttls, pkix, covered, enforced, expected) in rows {
            let host = host(dane, starttls, pkix, covered);
            assert_eq!(strict(&host, enforced), expected, "{host:?}, enforced: {enforced}");
        }
    }

    #[test]
    fn every_refusal_says_why() {
        let mut reasons = std::collections::BTreeSet::new();
        for (host, enforced) in all() {
            if let Some(strict) = strict(&host, enforced).filter(|strict| !strict.delivers()) {
                let why = why(&host, strict);
                let dane = strict == Strict::RefusedDane;
                assert_eq!(why.starts_with("DANE"), dane, "{why}: {host:?}");
                reasons.insert(why);
            }
        }
        assert_eq!(reasons.len(), 7, "{reasons:?}");
    }

    #[test]
    fn nobody_delivers_where_there_is_no_address() {
        let mut host = host((Some(DaneStatus::None), 0, 0, None), None, None, None);
        assert_eq!(strict(&host, false), Some(Strict::Opportunistic));
        host.addresses = Some(Vec::new());
        assert_eq!(strict(&host, false), None);
    }
}
