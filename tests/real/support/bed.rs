//! A real server in a room of its own: `tests/real/bed/NAME.sh` as a child process.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Certificate, address, fresh_directory, store, wait_for};

/// How long a server may take until it listens. Several start at once on few cores.
const START: Duration = Duration::from_secs(40);

/// A server that is to be started.
pub(crate) struct Plan {
    recipe: &'static str,
    certificate: Certificate,
    environment: Vec<(&'static str, String)>,
    lines: Vec<String>,
    place: Option<Ipv4Addr>,
}

impl Plan {
    /// At an address that another server had before it.
    pub(crate) fn at(mut self, address: Ipv4Addr) -> Self {
        self.place = Some(address);
        self
    }

    /// What the server shows; a good certificate if nothing is said.
    pub(crate) fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// A variable that the recipe looks at.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// A further line of configuration.
    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Starts it and waits until it listens on all `ports`, TCP or UDP, without connecting: that would
    /// stand in the log that the test is about to read, and count in the server's limits.
    ///
    /// # Panics
    ///
    /// With what the server said, when it does not come up.
    pub(crate) fn start(self, test: &str, ports: &[u16]) -> Bed {
        let state = fresh_directory(&format!("{test}.{}", self.recipe));
        self.certificate.write(&state.join("pki"));
        let address = self.place.unwrap_or_else(address);
        let out = File::create(state.join("out")).unwrap();
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/bed");
        let keeper = Command::new("bash")
            .arg(recipes.join(format!("{}.sh", self.recipe)))
            .args([store().as_os_str(), state.as_os_str()])
            .arg(address.to_string())
            .args(&self.lines)
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let mut bed = Bed { address, state, keeper };
        for port in ports {
            let mut ended = false;
            wait_for(
                START,
                || {
                    ended = bed.keeper.try_wait().unwrap().is_some();
                    (ended || listens(address, *port)).then_some(())
                },
                || format!("{} on {address}:{port}\n{}", self.recipe, bed_said(&bed.state)),
            );
            assert!(!ended, "{} ended at once:\n{}", self.recipe, bed_said(&bed.state));
        }
        bed
    }
}

/// A server that runs. Dropping it ends it.
pub(crate) struct Bed {
    /// Where it listens.
    pub(crate) address: Ipv4Addr,
    state: PathBuf,
    keeper: Child,
}

impl Bed {
    /// A server by the name of its recipe.
    pub(crate) fn of(recipe: &'static str) -> Plan {
        Plan {
            recipe,
            certificate: Certificate::Good,
            environment: Vec::new(),
            lines: Vec::new(),
            place: None,
        }
    }

    /// A file that the recipe leaves beside the log.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// What the server logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.state.join("log")).unwrap()).into_owned()
    }

    /// Waits for `count` lines of the log that contain `text`, and gives all such lines. Servers
    /// write their log a moment after the client saw the end.
    pub(crate) fn wait_log(&self, text: &str, count: usize) -> Vec<String> {
        let lines = || -> Vec<String> {
            self.log().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
        };
        wait_for(
            Duration::from_secs(15),
            || Some(lines()).filter(|lines| lines.len() >= count),
            || format!("{count} lines with {text:?} in\n{}", self.log()),
        )
    }

    /// Waits until the server listens at a further address.
    pub(crate) fn wait_listening(&self, address: Ipv4Addr, port: u16) {
        wait_for(
            START,
            || listens(address, port).then_some(()),
            || format!("{address}:{port}\n{}", bed_said(&self.state)),
        );
    }

    /// Runs a program of the server's packages in its room, and gives what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new("nsenter")
            .args(["--mount", "--target", &self.first_process().to_string(), "chroot"])
            .arg(self.state.join("room/merged"))
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Asks those processes to end that the server started for its sessions.
    pub(crate) fn end_sessions(&self) {
        let first = self.first_process();
        let daemons: Vec<u32> = children(first).collect();
        let sessions: Vec<u32> = daemons.iter().flat_map(|daemon| children(*daemon)).collect();
        assert!(!sessions.is_empty(), "no session below {}", self.state.display());
        for pid in sessions {
            // One that ended in the meantime needs no signal.
            let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::TERM);
        }
    }

    /// Asks the server to end, as its operator would.
    pub(crate) fn end(&self) {
        for pid in children(self.first_process()) {
            // One that ended in the meantime needs no signal.
            let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::TERM);
        }
    }

    /// Ends the server at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.keeper.kill().unwrap();
        self.keeper.wait().unwrap();
        wait_for(
            Duration::from_secs(10),
            || (!has_listener(self.address)).then_some(()),
            || format!("{} still listens", self.address),
        );
    }

    /// Stops every process of the server, as SIGSTOP does: its sockets stay, nobody answers.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let space = namespace(self.first_process());
        let members: Vec<u32> = processes().filter(|pid| namespace(*pid) == space).collect();
        assert!(members.len() > 1, "no server below {}", self.state.display());
        for pid in members {
            // One that ended in the meantime needs no signal.
            let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal);
        }
    }

    /// Process 1 of the room: the keeper's only child.
    fn first_process(&self) -> u32 {
        children(self.keeper.id()).next().expect("the keeper has a child")
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // Already ended is ended.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn children(parent: u32) -> impl Iterator<Item = u32> {
    let parent = parent.to_string();
    processes().filter(move |pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The fields after the command's name in brackets: state, parent.
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&parent)
    })
}

fn namespace(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

/// True when a socket listens there, by the kernel's word.
fn listens(address: Ipv4Addr, port: u16) -> bool {
    sockets_listening().any(|(a, p)| a == address && p == port)
}

fn has_listener(address: Ipv4Addr) -> bool {
    sockets_listening().any(|(a, _)| a == address)
}

/// Addresses and ports of TCP sockets that listen, and of UDP sockets without a peer.
fn sockets_listening() -> impl Iterator<Item = (Ipv4Addr, u16)> {
    // 0A is LISTEN, and what a UDP socket without a peer has stands there as 07.
    let tables = [("/proc/net/tcp", "0A"), ("/proc/net/udp", "07")];
    let rows: Vec<_> = tables
        .iter()
        .flat_map(|(table, wanted)| {
            let table = std::fs::read_to_string(table).unwrap();
            let row = |line: &str| {
                let mut fields = line.split_whitespace().skip(1);
                let (address, port) = fields.next()?.split_once(':')?;
                let state = fields.nth(1)?;
                let address = u32::from_str_radix(address, 16).ok()?;
                let port = u16::from_str_radix(port, 16).ok()?;
                // The address stands there as it lies in memory.
                (state == *wanted).then_some((Ipv4Addr::from(address.to_ne_bytes()), port))
            };
            table.lines().skip(1).filter_map(row).collect::<Vec<_>>()
        })
        .collect();
    rows.into_iter()
}

/// What a server printed and logged.
fn bed_said(state: &Path) -> String {
    let read = |name| std::fs::read_to_string(state.join(name)).unwrap_or_default();
    format!("{}\n{}", read("out"), read("log"))
}
