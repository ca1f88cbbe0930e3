//! What a server says it can do: the EHLO response (RFC 5321, 4.1.1.1), reduced to registered words.
//!
//! No word of a peer's gets past this file: what is in neither list below is dropped (a keyword) or
//! counted as `other` (a mechanism).

use super::Reply;

closed_enum! {
    /// A service extension: IANA's registry whole, then what the field offers besides.
    pub enum Keyword {
        /// RFC 6152.
        EightBitMime => "8BITMIME",
        /// RFC 2645.
        Atrn => "ATRN",
        /// RFC 4954.
        Auth => "AUTH",
        /// RFC 3030.
        BinaryMime => "BINARYMIME",
        /// RFC 4468.
        Burl => "BURL",
        /// RFC 1845.
        Checkpoint => "CHECKPOINT",
        /// RFC 3030.
        Chunking => "CHUNKING",
        /// RFC 4141.
        Conneg => "CONNEG",
        /// RFC 4141.
        Conperm => "CONPERM",
        /// RFC 2852.
        DeliverBy => "DELIVERBY",
        /// RFC 3461.
        Dsn => "DSN",
        /// RFC 2034.
        EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
        /// RFC 1985.
        Etrn => "ETRN",
        /// RFC 5321.
        Expn => "EXPN",
        /// RFC 4865.
        FutureRelease => "FUTURERELEASE",
        /// RFC 5321.
        Help => "HELP",
        /// RFC 9422.
        Limits => "LIMITS",
        /// RFC 6710.
        MtPriority => "MT-PRIORITY",
        /// RFC 3885.
        Mtrk => "MTRK",
        /// RFC 3865.
        NoSoliciting => "NO-SOLICITING",
        /// One message per session; registered, never specified.
        Onex => "ONEX",
        /// RFC 2920.
        Pipelining => "PIPELINING",
        /// RFC 8689.
        RequireTls => "REQUIRETLS",
        /// RFC 7293.
        Rrvs => "RRVS",
        /// RFC 821.
        Saml => "SAML",
        /// RFC 821.
        Send => "SEND",
        /// RFC 1870.
        Size => "SIZE",
        /// RFC 6531.
        SmtpUtf8 => "SMTPUTF8",
        /// RFC 821.
        Soml => "SOML",
        /// RFC 3207.
        Starttls => "STARTTLS",
        /// RFC 4405.
        Submitter => "SUBMITTER",
        /// RFC 821.
        Turn => "TURN",
        /// RFC 5336, which SMTPUTF8 replaced.
        Utf8Smtp => "UTF8SMTP",
        /// Verbose; registered, never specified.
        Verb => "VERB",
        /// RFC 5321.
        Vrfy => "VRFY",
        /// Exim: commands before the greeting, for clients that were here before.
        PipeConnect => "PIPECONNECT",
        /// Exchange: TLS between its own servers.
        XAnonymousTls => "X-ANONYMOUSTLS",
        /// Postfix: a trusted proxy states the client.
        XClient => "XCLIENT",
        /// Exchange: message properties in a blob.
        XExch50 => "XEXCH50",
        /// Exchange: its own AUTH.
        XExps => "X-EXPS",
        /// Postfix: a filter states the client for the log.
        XForward => "XFORWARD",
        /// Postfix: variable envelope return paths.
        XVerp => "XVERP",
    }
}

closed_enum! {
    /// A SASL mechanism (IANA's registry); what is not in this list counts as `other`.
    pub enum Mechanism {
        /// RFC 4505.
        Anonymous => "ANONYMOUS",
        /// RFC 2195.
        CramMd5 => "CRAM-MD5",
        /// RFC 2831, historic since RFC 6331.
        DigestMd5 => "DIGEST-MD5",
        /// RFC 7055.
        EapAes128 => "EAP-AES128",
        /// RFC 7055.
        EapAes128Plus => "EAP-AES128-PLUS",
        /// Registered without a public specification.
        EcdhX25519Challenge => "ECDH-X25519-CHALLENGE",
        /// Registered without a public specification.
        EcdsaNist256pChallenge => "ECDSA-NIST256P-CHALLENGE",
        /// RFC 4422.
        External => "EXTERNAL",
        /// RFC 5801.
        Gs2Krb5 => "GS2-KRB5",
        /// RFC 5801.
        Gs2Krb5Plus => "GS2-KRB5-PLUS",
        /// Microsoft's.
        GssSpnego => "GSS-SPNEGO",
        /// RFC 4752.
        Gssapi => "GSSAPI",
        /// RFC 3163.
        Iso9798MDsaSha1 => "9798-M-DSA-SHA1",
        /// RFC 3163.
        Iso9798MEcdsaSha1 => "9798-M-ECDSA-SHA1",
        /// RFC 3163.
        Iso9798MRsaSha1Enc => "9798-M-RSA-SHA1-ENC",
        /// RFC 3163.
        Iso9798UDsaSha1 => "9798-U-DSA-SHA1",
        /// RFC 3163.
        Iso9798UEcdsaSha1 => "9798-U-ECDSA-SHA1",
        /// RFC 3163.
        Iso9798URsaSha1Enc => "9798-U-RSA-SHA1-ENC",
        /// RFC 2222, obsolete.
        KerberosV4 => "KERBEROS_V4",
        /// Registered without a public specification.
        KerberosV5 => "KERBEROS_V5",
        /// Never standardised, offered everywhere.
        Login => "LOGIN",
        /// Novell's.
        NmasSambaAuth => "NMAS-SAMBA-AUTH",
        /// Novell's.
        NmasAuthen => "NMAS_AUTHEN",
        /// Novell's.
        NmasLogin => "NMAS_LOGIN",
        /// Microsoft's.
        Ntlm => "NTLM",
        /// RFC 7628.
        Oauth10a => "OAUTH10A",
        /// RFC 7628.
        OauthBearer => "OAUTHBEARER",
        /// RFC 6616.
        OpenId20 => "OPENID20",
        /// RFC 2444.
        Otp => "OTP",
        /// RFC 4616.
        Plain => "PLAIN",
        /// RFC 6595.
        Saml20 => "SAML20",
        /// RFC 5802.
        ScramSha1 => "SCRAM-SHA-1",
        /// RFC 5802.
        ScramSha1Plus => "SCRAM-SHA-1-PLUS",
        /// RFC 7677.
        ScramSha256 => "SCRAM-SHA-256",
        /// RFC 7677.
        ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        /// Of the registered family SCRAM-*.
        ScramSha512 => "SCRAM-SHA-512",
        /// Of the registered family SCRAM-*.
        ScramSha512Plus => "SCRAM-SHA-512-PLUS",
        /// RFC 2808.
        SecurId => "SECURID",
        /// RFC 2222, obsolete.
        Skey => "SKEY",
        /// Registered, forbidden by RFC 5801.
        Spnego => "SPNEGO",
        /// Registered, forbidden by RFC 5801.
        SpnegoPlus => "SPNEGO-PLUS",
        /// Realm crossover.
        SxoverPlus => "SXOVER-PLUS",
        /// Google's, before XOAUTH2.
        Xoauth => "XOAUTH",
        /// Google's bearer tokens.
        Xoauth2 => "XOAUTH2",
        /// Any other word.
        Other => "other",
    }
}

/// What one EHLO response offered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Registered keywords, each once, in the order of [`Keyword::ALL`].
    pub keywords: Vec<Keyword>,
    /// Mechanisms of AUTH, each once, in the order of [`Mechanism::ALL`].
    pub mechanisms: Vec<Mechanism>,
    /// SIZE's argument in bytes (RFC 1870); none when it is missing, 0 (no fixed limit) or not a
    /// number that fits.
    pub max_size: Option<u64>,
    /// A word that a middlebox wrote over STARTTLS, such as `XXXXXXXA` (Cisco's inspection).
    pub starttls_mangled: bool,
    /// The server only understood HELO: nothing can be offered.
    pub helo_only: bool,
}

impl Capabilities {
    /// Reads the response to EHLO. The first line is the server's name and greeting, so nothing is
    /// offered in it. Keywords are compared without case; `AUTH=LOGIN`, which old Microsoft clients
    /// asked servers for, counts as AUTH.
    pub fn parse(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let Some(first) = words.next() else { continue };
            let (word, joined) = match first.split_once('=') {
                Some((word, joined)) => (word, Some(joined)),
                None => (first, None),
            };
            found.starttls_mangled |= is_mangled(word);
            let Some(keyword) = Keyword::of_word(word) else { continue };
            if !found.keywords.contains(&keyword) {
                found.keywords.push(keyword);
            }
            let mut arguments = joined.into_iter().chain(words).filter(|word| !word.is_empty());
            match keyword {
                Keyword::Auth => arguments.for_each(|word| found.add_mechanism(word)),
                Keyword::Size => {
                    found.max_size = found.max_size.or_else(|| size(arguments.next()?));
                }
                _ => {}
            }
        }
        found.starttls_mangled &= !found.offers(Keyword::Starttls);
        found.keywords.sort_unstable();
        found.mechanisms.sort_unstable();
        found
    }

    /// What is left after EHLO was not understood and HELO was (RFC 5321, 3.2).
    pub fn helo_only() -> Self {
        Self { helo_only: true, ..Self::default() }
    }

    /// True when the response offered this.
    pub fn offers(&self, keyword: Keyword) -> bool {
        self.keywords.contains(&keyword)
    }

    fn add_mechanism(&mut self, word: &str) {
        let mechanism = Mechanism::of_word(word);
        if !self.mechanisms.contains(&mechanism) {
            self.mechanisms.push(mechanism);
        }
    }
}

impl Keyword {
    /// The keyword that this word is, whatever its case.
    fn of_word(word: &str) -> Option<Self> {
        // Exim's first releases with early pipelining wrote it as a local extension.
        if word.eq_ignore_ascii_case("X_PIPE_CONNECT") {
            return Some(Self::PipeConnect);
        }
        Self::ALL.iter().copied().find(|keyword| keyword.as_str().eq_ignore_ascii_case(word))
    }
}

impl Mechanism {
    /// The mechanism that this word is, whatever its case.
    fn of_word(word: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(word))
            .unwrap_or(Self::Other)
    }
}

/// True for a greeting that a middlebox wrote stars over, such as `220 ****************0*******`:
/// Cisco's inspection leaves the digits of the code and hides the rest.
pub(super) fn is_starred(banner: &Reply) -> bool {
    let text = banner.lines.iter().flat_map(|line| line.chars()).filter(|c| !c.is_whitespace());
    let (mut stars, mut others) = (0_usize, 0_usize);
    for character in text {
        if character == '*' { stars += 1 } else { others += 1 }
    }
    stars >= 6 && stars > others
}

/// True for a word that stands where STARTTLS stood: as long as it or one longer, of X or of T
/// alone, the last letter free (`XXXXXXXA`, `XXXXXXXXA`, `XXXXXXXX`, `TTTTTTTT`).
fn is_mangled(word: &str) -> bool {
    let bytes = word.as_bytes();
    let Some((last, body)) = bytes.split_last() else { return false };
    let alike = |letter: u8| body.iter().all(|byte| byte.eq_ignore_ascii_case(&letter));
    matches!(bytes.len(), 8 | 9) && last.is_ascii_alphabetic() && (alike(b'X') || alike(b'T'))
}

/// SIZE's argument: digits alone, above 0. A number that does not fit says no more than no number.
fn size(word: &str) -> Option<u64> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten().filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Capabilities {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Capabilities::parse(&Reply { code: 250, enhanced: None, lines })
    }

    #[test]
    fn every_keyword_and_mechanism_is_read_in_any_case() {
        for &keyword in Keyword::ALL {
            let found = parse(&["host", &keyword.as_str().to_lowercase()]);
            assert_eq!(found.keywords, [keyword]);
        }
        for &mechanism in Mechanism::ALL {
            let found = parse(&["host", &format!("Auth {}", mechanism.as_str().to_lowercase())]);
            assert_eq!(found.mechanisms, [mechanism]);
        }
    }

    #[test]
    fn the_first_line_offers_nothing() {
        assert_eq!(parse(&["STARTTLS"]), Capabilities::default());
        assert_eq!(parse(&[]), Capabilities::default());
    }

    #[test]
    fn auth_in_its_old_form_and_twice_is_one_keyword() {
        let found = parse(&["host", "AUTH PLAIN LOGIN", "AUTH=LOGIN FOO BAR"]);
        assert_eq!(found.keywords, [Keyword::Auth]);
        assert_eq!(found.mechanisms, [Mechanism::Login, Mechanism::Plain, Mechanism::Other]);
        assert_eq!(parse(&["host", "AUTH="]).keywords, [Keyword::Auth]);
        assert_eq!(parse(&["host", "AUTH="]).mechanisms, []);
    }

    #[test]
    fn size_is_a_number_that_fits_or_nothing() {
        for (line, expected) in [
            ("SIZE 10240000", Some(10_240_000)),
            ("size=1000", Some(1000)),
            ("SIZE 18446744073709551615", Some(u64::MAX)),
            ("SIZE 18446744073709551616", None),
            ("SIZE 0", None),
            ("SIZE", None),
            ("SIZE -1", None),
            ("SIZE +1", None),
            ("SIZE 10 20", Some(10)),
        ] {
            let found = parse(&["host", line]);
            assert_eq!((found.max_size, found.offers(Keyword::Size)), (expected, true), "{line}");
        }
    }

    #[test]
    fn blank_lines_and_unknown_words_are_passed_over() {
        let found = parse(&["host", "", "  \t ", "FROBNICATE yes", "DSN"]);
        assert_eq!(found.keywords, [Keyword::Dsn]);
    }

    #[test]
    fn ten_thousand_keywords_stay_few() {
        let mut lines = vec!["host".to_owned()];
        for index in 0..10_000 {
            lines.push(format!("K{index}"));
            lines.push(format!("AUTH M{index}"));
        }
        let found = Capabilities::parse(&Reply { code: 250, enhanced: None, lines });
        assert_eq!(found.keywords, [Keyword::Auth]);
        assert_eq!(found.mechanisms, [Mechanism::Other]);
    }

    #[test]
    fn words_written_over_starttls_are_known() {
        for word in ["XXXXXXXA", "XXXXXXXXA", "XXXXXXXX", "TTTTTTTT", "xxxxxxxb"] {
            assert!(parse(&["host", "DSN", word]).starttls_mangled, "{word}");
            assert!(!parse(&["host", word, "STARTTLS"]).starttls_mangled, "{word} beside it");
        }
        for word in ["XCLIENT", "XXXX", "XXXXXXXXXXXXXX", "XTXTXTXT", "XFORWARD", "STARTTLS", "X"] {
            assert!(!parse(&["host", word]).starttls_mangled, "{word}");
        }
    }

    #[test]
    fn a_starred_banner_is_told_from_decoration() {
        for (text, starred) in [
            ("*************************2******0***0**", true),
            ("mail.example.net ESMTP ***** authorised use only *****", false),
            ("****", false),
            ("", false),
        ] {
            let banner = Reply { code: 220, enhanced: None, lines: vec![text.to_owned()] };
            assert_eq!(is_starred(&banner), starred, "{text}");
        }
    }
}
