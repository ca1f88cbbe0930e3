//! The recipes themselves, with a client of five lines: when one of these fails, the fault is the
//! bed's and not the exporter's.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

use crate::support::Bed;

/// Says EHLO and QUIT, and gives what was heard.
fn visit(address: Ipv4Addr, port: u16) -> Vec<String> {
    let mut stream = TcpStream::connect((address, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut heard = Vec::new();
    for command in ["EHLO probe.example.net\r\n", "QUIT\r\n", ""] {
        for line in lines.by_ref() {
            let line = line.unwrap();
            let last = line.as_bytes().get(3) == Some(&b' ');
            heard.push(line);
            if last {
                break;
            }
        }
        stream.write_all(command.as_bytes()).unwrap();
    }
    heard
}

/// One visit meets a greeting, STARTTLS on offer, and a farewell.
fn greets_and_offers_starttls(bed: &Bed, port: u16) {
    let heard = visit(bed.address, port);
    assert!(heard[0].starts_with("220 "), "{heard:?}");
    assert!(heard.iter().any(|line| &line[4..] == "STARTTLS"), "{heard:?}");
    assert!(heard.last().unwrap().starts_with("221 "), "{heard:?}");
}

#[test]
fn postfix_comes_up() {
    let bed = Bed::of("postfix").start("recipe", &[25, 465, 587]);
    greets_and_offers_starttls(&bed, 25);
    let sessions = bed.wait_log("disconnect from", 1);
    assert!(sessions[0].ends_with("ehlo=1 quit=1 commands=2"), "{sessions:?}");
}

#[test]
fn exim_comes_up() {
    let bed = Bed::of("exim").start("recipe", &[25, 465]);
    greets_and_offers_starttls(&bed, 25);
    bed.wait_log("closed by QUIT", 1);
}

#[test]
fn sendmail_comes_up() {
    let bed = Bed::of("sendmail").start("recipe", &[25]);
    greets_and_offers_starttls(&bed, 25);
    bed.wait_log("did not issue MAIL", 1);
}

#[test]
fn opensmtpd_comes_up() {
    let bed = Bed::of("opensmtpd").start("recipe", &[25]);
    greets_and_offers_starttls(&bed, 25);
    bed.wait_log("smtp disconnected reason=quit", 1);
}

#[test]
fn dovecot_comes_up() {
    let bed = Bed::of("dovecot").start("recipe", &[465, 587, 12345]);
    greets_and_offers_starttls(&bed, 587);
}

#[test]
fn dnsmasq_comes_up() {
    let bed = Bed::of("dnsmasq").line("mx-host=bed.test,mx.bed.test,10").start("recipe", &[53]);
    // Asks for the MX of bed.test: header, question, type 15, class 1.
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03bed\x04test\0\0\x0f\0\x01";
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.send_to(question, (bed.address, 53)).unwrap();
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).unwrap();
    // The same id, no error, one answer.
    assert!(length > question.len(), "{:?}", &answer[..length]);
    assert_eq!((&answer[..2], answer[3] & 0x0f, answer[7]), (&b"\x12\x34"[..], 0, 1));
}

#[test]
fn a_server_is_killed_and_frozen_and_thawed() {
    let mut bed = Bed::of("exim").start("recipe-signals", &[25]);
    bed.freeze();
    let stream = TcpStream::connect((bed.address, 25)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    let mut greeting = String::new();
    let mut reader = BufReader::new(stream);
    assert!(reader.read_line(&mut greeting).is_err(), "a frozen server said {greeting:?}");
    bed.thaw();
    reader.get_ref().set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    reader.read_line(&mut greeting).unwrap();
    assert!(greeting.starts_with("220 "), "{greeting:?}");
    bed.kill();
    let refused = TcpStream::connect((bed.address, 25)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}
