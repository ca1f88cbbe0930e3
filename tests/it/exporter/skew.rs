//! Certificates and capabilities that differ, and what is offered no longer, on real connections.

use smtp_exporter::demo::{Auth, Behaviour, Certificate};

use super::house::{Exporter, ca_file, config, server, without_dns};
use crate::support::exposition::Exposition;

const SKEW: &str = "smtp_target_certificate_skew";
const CAPABILITY: &str = "smtp_target_capability_skew";

/// A configuration with one target at one address and these modules.
fn told(host: &str, modules: &[(&str, u16, &str)], directory: &std::path::Path) -> String {
    let names: Vec<&str> = modules.iter().map(|(name, ..)| *name).collect();
    let target = format!("{{name: both, host: {host}, modules: [{}]}}", names.join(", "));
    let mut lines = String::from("modules:\n");
    for (name, port, tls) in modules {
        let what = format!("port: {port}, tls: {tls}, tls_server_name: mail.demo.test");
        lines.push_str(&format!("  {name}: {{{what}, interval: 1s}}\n"));
    }
    let more = format!("{}tls: {{ca_file: {:?}}}\n", without_dns(), ca_file(directory));
    config(&more, &[target]).replace("modules:\n", &lines)
}

fn across(read: &Exposition, family: &str, across: &str) -> Vec<f64> {
    read.values(family, &[("target", "both"), ("across", across)])
}

#[tokio::test]
async fn a_port_that_a_renewal_did_not_reach_is_told_and_shown() {
    let clear = server([127, 0, 14, 1], Behaviour::healthy());
    let old = Behaviour {
        tls: Behaviour::with_certificate(Certificate::Outgoing).tls,
        ..Behaviour::implicit_tls()
    };
    let inside = server([127, 0, 14, 1], old);
    let directory = tempfile::tempdir().unwrap();
    let modules = [
        ("mx", clear.address().port(), "opportunistic"),
        ("logins", inside.address().port(), "implicit"),
    ];
    let exporter = Exporter::start(&told("127.0.14.1", &modules, directory.path())).await;
    let read =
        exporter.until("the ports differ", |read| across(read, SKEW, "ports") == [1.0]).await;
    assert_eq!(across(&read, CAPABILITY, "ports"), [0.0], "AUTH and STARTTLS differ by design");
    assert!(across(&read, SKEW, "endpoints").is_empty());
    assert_eq!(read.values("smtp_target_up", &[]), [1.0, 1.0]);
    let page = exporter.get("/targets/both").await.text;
    for words in ["certificates differ", "certificates of the ports", "their ends by up to 50 days"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let api = exporter.get("/api/v1/targets/both").await.text;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    let row = &api["data"]["targets"][0];
    assert_eq!(row["warnings"], serde_json::json!(["certificates_differ"]));
    assert_eq!(row["skews"][0]["example"].as_array().unwrap().len(), 2, "{}", row["skews"]);

    // The reload that was forgotten, and a message extension that it lost.
    let keywords = Vec::from(["PIPELINING".to_owned(), "SIZE 5000".to_owned()]);
    inside.behave(Behaviour { keywords, ..Behaviour::implicit_tls() }).unwrap();
    exporter
        .until("another thing differs", |read| {
            across(read, SKEW, "ports") == [0.0] && across(read, CAPABILITY, "ports") == [1.0]
        })
        .await;
    let page = exporter.get("/targets/both").await.text;
    for words in ["capabilities differ", "alone offers", "ENHANCEDSTATUSCODES", "inside TLS"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    inside.behave(Behaviour::implicit_tls()).unwrap();
    exporter.until("all is the same", |read| across(read, CAPABILITY, "ports") == [0.0]).await;
}

#[tokio::test]
async fn what_is_gone_is_told_though_every_probe_succeeds_and_over_a_reload() {
    let with = |in_clear, mechanisms: usize| {
        let mut auth = Auth { in_clear, ..Auth::default() };
        auth.mechanisms.truncate(mechanisms);
        Behaviour { auth: Some(auth), ..Behaviour::healthy() }
    };
    let all = Auth::default().mechanisms.len();
    assert!(all > 1);
    let last = Auth::default().mechanisms[all - 1].as_str();
    let mx = server([127, 0, 14, 2], with(false, all));
    let directory = tempfile::tempdir().unwrap();
    let modules = [("mx", mx.address().port(), "opportunistic")];
    let text = told("127.0.14.2", &modules, directory.path());
    let exporter = Exporter::start(&text).await;
    let starttls = |read: &Exposition| read.values("smtp_starttls_disappeared", &[]);
    let clear = |read: &Exposition| read.values("smtp_auth_plaintext_appeared", &[]);
    let gone =
        |read: &Exposition| read.values("smtp_auth_mechanism_disappeared", &[("mechanism", last)]);
    exporter
        .until("a first probe", |read| {
            starttls(read) == [0.0] && clear(read) == [0.0] && gone(read).is_empty()
        })
        .await;

    for stripped in [Behaviour::starttls_missing(), Behaviour::starttls_mangled()] {
        mx.behave(stripped).unwrap();
        let read = exporter.until("it is stripped", |read| starttls(read) == [1.0]).await;
        assert_eq!(read.values("smtp_target_up", &[]), [1.0]);
        assert_eq!(exporter.ask("POST", "/-/reload", "").await.status, 200);
        assert_eq!(starttls(&exporter.metrics().await), [1.0]);
        let page = exporter.get("/targets/both").await.text;
        assert!(page.contains("STARTTLS is offered no longer"), "{page}");
        mx.behave(with(false, all)).unwrap();
        exporter.until("it is back", |read| starttls(read) == [0.0]).await;
    }

    mx.behave(with(true, all)).unwrap();
    let read = exporter.until("AUTH is in clear", |read| clear(read) == [1.0]).await;
    assert!(gone(&read).is_empty());
    mx.behave(with(false, all - 1)).unwrap();
    let read = exporter.until("a mechanism is gone", |read| gone(read) == [1.0]).await;
    assert_eq!(clear(&read), [0.0]);
    let page = exporter.get("/").await.text;
    assert!(page.contains("a login mechanism is offered no longer"), "{page}");
    mx.behave(with(false, all)).unwrap();
    exporter.until("it is back", |read| gone(read).is_empty()).await;
}
