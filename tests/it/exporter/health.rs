//! `healthcheck`, which containers run in the place of curl.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::house::{Exporter, config, run, without_dns};

async fn check(arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["healthcheck"], arguments].concat();
    let output = run(Path::new("/"), &arguments).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Answers one connection with these bytes, and ends.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/-/healthy", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(answer);
    });
    url
}

#[tokio::test]
async fn a_running_exporter_is_well_and_one_that_ended_is_not() {
    let mut exporter = Exporter::start(&config(&without_dns(), &[])).await;
    let flag = format!("--web.listen-address={}", exporter.address);
    let (code, said) = check(&[&flag]).await;
    assert_eq!((code, said.as_str()), (Some(0), "healthy: HTTP/1.1 200 OK\n"));
    let ready = format!("http://{}/-/ready", exporter.address);
    assert_eq!(check(&[&ready]).await.0, Some(0));
    let nothing = format!("http://{}/nothing", exporter.address);
    let (code, said) = check(&[&nothing]).await;
    assert!(code == Some(1) && said.contains("404"), "{said}");
    exporter.signal(rustix::process::Signal::TERM);
    exporter.ended(super::house::PATIENCE).await;
    let (code, said) = check(&[&flag]).await;
    assert!(code == Some(1) && said.contains("cannot connect"), "{said}");
}

#[tokio::test]
async fn a_login_that_is_wanted_is_a_sign_of_life_and_other_trouble_is_not() {
    let (code, said) = check(&[&answering(b"HTTP/1.1 401 Unauthorized\r\n\r\n")]).await;
    assert!(code == Some(0) && said.contains("wants a login"), "{said}");
    for (answer, word) in [
        (&b"HTTP/1.1 503 Service Unavailable\r\n\r\n"[..], "503"),
        (b"", "not an HTTP answer"),
        (b"220 mail.example.net ESMTP\r\n", "not an HTTP answer"),
        (b"HTTP/1.1\r\n", "unhealthy"),
        (&[b'x'; 100_000], "not an HTTP answer"),
    ] {
        let (code, said) = check(&[&answering(answer)]).await;
        assert!(code == Some(1) && said.contains(word) && said.len() < 3000, "{word}: {said}");
    }
    for url in ["ftp://127.0.0.1/", "127.0.0.1:1", "http://u:secret@127.0.0.1/"] {
        let (code, said) = check(&[url]).await;
        assert!(code == Some(64) && said.contains("is not a URL"), "{said}");
    }
}

#[tokio::test]
async fn over_tls_no_certificate_is_asked_to_verify_and_none_is_shown() {
    for client_certificates in [false, true] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["mail.example.net".to_owned()]).unwrap();
        let own = CertifiedIssuer::self_signed(params, key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if client_certificates {
            let mut roots = RootCertStore::empty();
            roots.add(own.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(own.key().serialize_der()).unwrap();
        let tls = builder.with_single_cert(vec![own.der().clone()], key).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/-/healthy", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let accept = tokio_rustls::TlsAcceptor::from(Arc::new(tls)).accept(stream).await;
            let Ok(mut stream) = accept else { return false };
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let _ = stream.shutdown().await;
            asked.starts_with(b"GET /-/healthy HTTP/1.1\r\n")
        });
        let (code, said) = check(&[&url]).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.contains("wants a client's certificate"), client_certificates, "{said}");
        assert_eq!(server.await.unwrap(), !client_certificates);
    }
}
