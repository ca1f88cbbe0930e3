//! The floor of a scrape: an exposition taken apart once, and then written again and again into one
//! buffer, name, label text and value, as directly as can be; also served over HTTP.

use std::io::{BufRead as _, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::time::Instant;

use super::Words;

/// Serves what `file` holds, and tells for each line of standard input what one body costs.
pub(super) fn run(words: &Words) {
    let text = std::fs::read_to_string(words.text("file")).unwrap();
    let lines: Arc<Vec<Line>> = Arc::new(text.lines().map(Line::of).collect());
    let series = lines.iter().filter(|line| line.value.is_some()).count();
    let address: SocketAddr = words.text("address").parse().unwrap();
    let listener = TcpListener::bind(address).unwrap();
    let served = lines.clone();
    std::thread::spawn(move || {
        let mut buffer = Vec::new();
        for stream in listener.incoming() {
            let _ = answer(&served, &mut buffer, stream.unwrap());
        }
    });
    println!("{}", json!({"series": series}));
    let mut buffer = Vec::new();
    let mut zipped = Vec::new();
    super::answer(|| {
        let written = cpu(|| write(&lines, &mut buffer));
        let packed = cpu(|| gzip(&buffer, &mut zipped));
        json!({"write_s": written.as_secs_f64(), "gzip_s": packed.as_secs_f64(),
            "bytes": buffer.len(), "zipped": zipped.len()})
    });
}

/// One line: a comment, or a sample with its value apart.
struct Line {
    text: Box<str>,
    value: Option<f64>,
}

impl Line {
    fn of(line: &str) -> Self {
        let sample = (!line.starts_with('#')).then(|| line.rsplit_once(' ')).flatten();
        let (text, value) = match sample {
            Some((text, value)) => (text, value.parse().ok()),
            None => (line, None),
        };
        Self { text: text.into(), value }
    }
}

fn write(lines: &[Line], buffer: &mut Vec<u8>) {
    buffer.clear();
    for line in lines {
        buffer.extend_from_slice(line.text.as_bytes());
        match line.value {
            // Most values are whole, and cheaper to write so.
            Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                write!(buffer, " {}", value as i64).unwrap();
            }
            Some(value) => write!(buffer, " {value}").unwrap(),
            None => {}
        }
        buffer.push(b'\n');
    }
}

fn gzip(text: &[u8], zipped: &mut Vec<u8>) {
    zipped.clear();
    let mut encoder = GzEncoder::new(zipped, Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap();
}

fn answer(lines: &[Line], buffer: &mut Vec<u8>, mut stream: TcpStream) -> std::io::Result<()> {
    let mut zip = false;
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        zip |= line.to_ascii_lowercase().contains("gzip");
    }
    write(lines, buffer);
    let mut zipped = Vec::new();
    if zip {
        gzip(buffer, &mut zipped);
    }
    let body = if zip { &zipped } else { buffer };
    let encoding = if zip { "Content-Encoding: gzip\r\n" } else { "" };
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{encoding}\r\n")?;
    stream.write_all(body)
}

/// The time of this thread on a processor (proc(5), schedstat) that something takes. The kernel's
/// figure moves by the tick, so it is done again and again for a third of a second.
fn cpu(mut work: impl FnMut()) -> Duration {
    let now = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    };
    let (begun, until) = (now(), Instant::now() + Duration::from_millis(300));
    let mut times = 0;
    while times == 0 || Instant::now() < until {
        work();
        times += 1;
    }
    (now() - begun) / times
}
