//! One certificate authority per run, and server certificates good and bad.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// The name that good certificates carry.
pub(crate) const MAIL_NAME: &str = "mail.bed.test";
/// When good certificates end: 2060-01-01, in seconds since the epoch.
pub(crate) const GOOD_NOT_AFTER: f64 = 2_840_140_800.0;

/// What a server shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Certificate {
    /// For [`MAIL_NAME`], valid.
    Good,
    /// For another name, and expired at the end of 2020.
    ExpiredOtherName,
}

struct Root {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn root() -> &'static Root {
    static ROOT: OnceLock<Root> = OnceLock::new();
    ROOT.get_or_init(|| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Bed Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2015, 1, 1);
        params.not_after = date_time_ymd(2070, 1, 1);
        let pem = params.self_signed(&key).unwrap().pem();
        Root { pem, issuer: Issuer::new(params, key) }
    })
}

/// The authority's certificate, for `tls.ca_file`.
pub(crate) fn root_file() -> PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = super::fresh_directory("authority").join("ca.pem");
        std::fs::write(&path, &root().pem).unwrap();
        path
    })
    .clone()
}

impl Certificate {
    /// Writes `key.pem`, `chain.pem` and `ca.pem`.
    pub(crate) fn write(self, directory: &Path) {
        let (name, until) = match self {
            Self::Good => (MAIL_NAME, 2060),
            Self::ExpiredOtherName => ("other.bed.test", 2021),
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2016, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &root().issuer).unwrap();
        std::fs::create_dir_all(directory).unwrap();
        std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(directory.join("chain.pem"), leaf.pem()).unwrap();
        std::fs::write(directory.join("ca.pem"), &root().pem).unwrap();
    }
}
