//! What the unit in `deploy/systemd` relies on: the socket that is handed over, READY=1 and
//! WATCHDOG=1, and the signals.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::house::{PATIENCE, ask, binary};

/// Systemd's words to us, until one of them is `wanted`.
fn heard(socket: &UnixDatagram, wanted: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while !all.iter().any(|word| word == wanted) {
        let read = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{wanted}: {e}, {all:?}"));
        let text = String::from_utf8(buffer[..read].to_vec()).unwrap();
        all.extend(text.lines().map(str::to_owned));
    }
    all
}

#[tokio::test]
async fn a_socket_is_taken_over_and_readiness_life_and_end_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::fs::write(folder.path().join("smtp_exporter.yml"), "targets: []\n").unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();

    // The shell gives the socket the number that systemd gives it, and becomes the exporter.
    let program = binary().get_program().to_owned();
    let mut child = Command::new("/bin/sh")
        .env_clear()
        .current_dir(folder.path())
        .args(["-c", "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\" 3<&0 </dev/null", "sh"])
        .arg(program)
        .args(["--config.file=smtp_exporter.yml", "--web.systemd-socket"])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "30000000")
        .env("STATE_DIRECTORY", &state)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let told = tokio::task::spawn_blocking(move || {
        let ready = heard(&notify, "READY=1");
        let alive = heard(&notify, "WATCHDOG=1");
        (notify, ready, alive)
    });
    let (notify, ready, _) = told.await.unwrap();
    assert_eq!(ready.iter().filter(|word| *word == "READY=1").count(), 1, "{ready:?}");
    let answer = ask(address, "GET", "/-/ready", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    // ExecReload, with what a bad file must not do: end it.
    std::fs::write(folder.path().join("smtp_exporter.yml"), "nothing: true\n").unwrap();
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ask(address, "GET", "/-/ready", "").await.status, 200);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = tokio::task::spawn_blocking(move || {
        heard(&notify, "STOPPING=1");
        child.wait().unwrap()
    });
    assert_eq!(status.await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn without_a_socket_from_systemd_the_flag_is_refused() {
    let output = binary().arg("--web.systemd-socket").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("LISTEN_FDS"), "{said}");
}
