//! The sockets that are served: from the flags, or from systemd.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::Options;

/// Opens what the flags name, or takes what systemd hands over.
pub(super) async fn open(options: &Options) -> anyhow::Result<Vec<TcpListener>> {
    if options.systemd_socket {
        return inherited();
    }
    let mut listeners = Vec::new();
    for address in &options.listen {
        let listener = bind(address)
            .await
            .with_context(|| format!("cannot listen on --web.listen-address={address}"))?;
        listeners.push(listener);
    }
    Ok(listeners)
}

async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else {
        return Ok(TcpListener::bind(address).await?);
    };
    let port: u16 = port.parse().with_context(|| format!("{port:?} is not a port"))?;
    // Every address of both families; a host without IPv6 has the other one left.
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error.into()),
        Err(_) => Ok(TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await?),
    }
}

fn inherited() -> anyhow::Result<Vec<TcpListener>> {
    let mut sockets = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..sockets.len() {
        if let Some(listener) = sockets.take_tcp_listener(index)? {
            listener.set_nonblocking(true)?;
            listeners.push(TcpListener::from_std(listener)?);
        }
    }
    anyhow::ensure!(
        !listeners.is_empty(),
        "--web.systemd-socket is given, but systemd handed over no TCP socket (LISTEN_FDS)"
    );
    Ok(listeners)
}

/// Says where to look, before the log lines begin.
pub(super) fn announce_demo(options: &Options) -> anyhow::Result<()> {
    let address = options.listen.first().map_or(":10057", String::as_str);
    let authority = match address.strip_prefix(':') {
        Some(port) => format!("localhost:{port}"),
        None => address.to_owned(),
    };
    let file = options.config_file.as_deref().unwrap_or_else(|| std::path::Path::new(""));
    let text = format!(
        "\
Mail servers with faults run on this machine's loopback addresses and are being probed.

  what is seen      http://{authority}/
  the metrics       http://{authority}/metrics
  one probe         http://{authority}/probe?target=healthy&debug=true
  transcripts       http://{authority}/logs?target=too-many-connections
  the configuration {}

Ctrl-C ends it.
",
        file.display()
    );
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
