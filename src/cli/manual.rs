//! What packages install besides the program, made from the flags: completions for shells, and the
//! man page.

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;

/// The completions of a shell, as its own script.
pub(super) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The man page, smtp_exporter(1), in roff: one page for the program and its subcommands.
///
/// # Errors
///
/// Writing to memory fails, which it does not.
pub(super) fn man() -> io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let whole = Man::new(command.clone()).title("SMTP_EXPORTER");
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    page.push_str(".SH SUBCOMMANDS\n");
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
    {
        page.push_str(&section(subcommand)?);
    }
    page.push_str(REST);
    Ok(page)
}

/// A subcommand with the flags and arguments that are its own: those of all stand above.
fn section(subcommand: &Command) -> io::Result<String> {
    let mut own = subcommand.clone().mut_args(|argument| {
        let shared = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(shared)
    });
    let mut part = Vec::new();
    Man::new(own.clone()).render_options_section(&mut part)?;
    let part = String::from_utf8_lossy(&part);
    let body = part.split_once(".SH OPTIONS\n").map_or("", |(_, body)| body);
    let usage = own.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('-', "\\-");
    let about = subcommand.get_about().map(|about| about.to_string().replace('-', "\\-"));
    Ok(format!(".SS \"{usage}\"\n{}\n{body}", about.unwrap_or_default()))
}

const NAME: &str = "smtp_exporter";

/// What no flag tells.
const REST: &str = "\
.SH \"EXIT STATUS\"
.TP
0
Ended as asked; \\fBprobe\\fR: up, or as expected; \\fBhealthcheck\\fR: healthy.
.TP
1
\\fBprobe\\fR: down, or not as expected; \\fBhealthcheck\\fR: not healthy.
.TP
64
Wrong usage, or a bad configuration.
.TP
71
The system refused: the port is taken, a file cannot be written.
.TP
130
\\fBprobe\\fR: interrupted before anything was seen.
.SH SIGNALS
SIGHUP reads the configuration again; a bad one changes nothing and is told in the log.
SIGTERM and SIGINT end the exporter: open sessions say QUIT first.
.SH ENVIRONMENT
.TP
SMTP_EXPORTER__SECTION__KEY
Overrides a key under exporter, dns or tls of the configuration.
.TP
NOTIFY_SOCKET, LISTEN_FDS, STATE_DIRECTORY
As systemd sets them: readiness and watchdog, sockets to listen on, where pauses are kept over a
restart.
.TP
HOSTNAME
The pod's name, for \\fB\\-\\-shard auto/N\\fR.
.SH FILES
.TP
/etc/smtp_exporter/smtp_exporter.yml
The configuration of the packaged service. \\fBsmtp_exporter reference\\fR prints every key.
";
