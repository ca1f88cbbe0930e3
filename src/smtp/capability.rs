//! What a server says it can do: the EHLO response (RFC 5321, 4.1.1.1), reduced to registered words.

closed_enum! {
    /// A service extension of IANA's registry, plus the two that the field still offers.
    pub enum Keyword {
        /// RFC 6152.
        EightBitMime => "8BITMIME",
        /// RFC 4954.
        Auth => "AUTH",
        /// RFC 3030.
        BinaryMime => "BINARYMIME",
        /// RFC 6710... placeholder list, see the registry.
        Starttls => "STARTTLS",
    }
}

closed_enum! {
    /// A SASL mechanism (IANA's registry); what is not registered counts as `other`.
    pub enum Mechanism {
        /// RFC 4616.
        Plain => "PLAIN",
        /// Never standardised, offered everywhere.
        Login => "LOGIN",
        /// RFC 2195.
        CramMd5 => "CRAM-MD5",
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
    /// Mechanisms of AUTH, each once.
    pub mechanisms: Vec<Mechanism>,
    /// SIZE's argument in bytes (RFC 1870); none when it is missing or 0 (no fixed limit).
    pub max_size: Option<u64>,
    /// A word that a middlebox wrote over STARTTLS, such as `XXXXXXXA` (Cisco's inspection).
    pub starttls_mangled: bool,
    /// The server only understood HELO: nothing can be offered.
    pub helo_only: bool,
}

impl Capabilities {
    /// True when the response offered this.
    pub fn offers(&self, keyword: Keyword) -> bool {
        self.keywords.contains(&keyword)
    }
}
