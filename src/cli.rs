//! Flags and subcommands, after Prometheus' habit.

mod dnsbl;
mod explain;
mod manual;
mod paint;
mod posture;
mod report;
mod tools;
mod wrap;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use tools::Tool;

use crate::app::{self, Options, Page, WebFile};
use crate::cause::advice;
use crate::config::{Config, ConfigError};
use crate::target::Shard;

/// Runs the program; the process ends with what is returned.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come here too, and are no error.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    app::leave_no_core();
    app::start_logging(cli.common.log_level.as_str(), cli.common.log_format == LogFormat::Json);
    let result = match cli.command.unwrap_or(Command::Serve) {
        // Whatever else was asked for: who says this wants nothing to be connected to.
        _ if cli.common.config_check => check(&cli.common),
        Command::Serve => serve(&cli.common),
        Command::Probe(args) => probe(&cli.common, &args),
        Command::Dnsbl(args) => dnsbl::run(&cli.common, &args),
        Command::Posture(args) => posture::run(&cli.common, &args),
        Command::Explain(args) => explain::explain(&cli.common, &args),
        Command::Demo(args) => demo(&cli.common, args),
        Command::Reference => say(&reference()),
        Command::Tool(tool) => tools::run(&cli.common, tool),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let wrong_usage = complain(&format!("smtp_exporter: {error:#}"));
            if is_of_the_system(&error) { ExitCode::from(SYSTEM) } else { wrong_usage }
        }
    }
}

/// Probes SMTP servers and tells Prometheus whether mail can be handed over, and if not, why.
#[derive(Parser)]
#[command(name = "smtp_exporter", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Common {
    /// Configuration file. Without the flag, `smtp_exporter.yml` is read if it is there; without
    /// one, there are the built-in modules and no targets.
    #[arg(long = "config.file", value_name = "FILE", global = true)]
    config_file: Option<PathBuf>,
    /// Check the configuration, print what it would do, and exit: 0 when good, 64 when not. Asks
    /// the network nothing.
    #[arg(long = "config.check", global = true)]
    config_check: bool,
    /// Address to listen on; may be given several times. `:10057` is every address.
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = ":10057",
        global = true
    )]
    listen: Vec<String>,
    /// Web configuration file, in the form that Prometheus' exporters share: TLS, users, headers.
    #[arg(long = "web.config.file", value_name = "FILE", global = true)]
    web_config_file: Option<PathBuf>,
    /// Close pages: a list of reload, probe, logs, config and status.
    #[arg(
        long = "web.closed",
        value_name = "PAGES",
        value_delimiter = ',',
        value_parser = page,
        global = true
    )]
    closed: Vec<Page>,
    /// The URL under which users reach the exporter, for links.
    #[arg(long = "web.external-url", value_name = "URL", default_value = "", global = true)]
    external_url: String,
    /// Prefix of all paths. Default: the path of the external URL.
    #[arg(long = "web.route-prefix", value_name = "PATH", global = true)]
    route_prefix: Option<String>,
    /// Take the listening sockets from systemd.
    #[arg(long = "web.systemd-socket", global = true)]
    systemd_socket: bool,
    /// Results kept per target and module.
    #[arg(long = "history.limit", value_name = "N", default_value_t = 100, global = true)]
    history_limit: usize,
    /// Seconds taken off Prometheus' scrape timeout, for the way back.
    #[arg(long = "timeout-offset", value_name = "SECONDS", default_value_t = 0.5, global = true)]
    timeout_offset: f64,
    /// Take part I of N of the configured targets, counted from 0, by a hash of their names. With
    /// `auto/N`, I is the number at the end of HOSTNAME, as pods of a StatefulSet have it.
    #[arg(long = "shard", value_name = "I/N", value_parser = tools::shard, global = true)]
    shard: Option<Shard>,
    /// Least important messages that are logged.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", global = true)]
    log_level: LogLevel,
    /// Form of log lines.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt", global = true)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Logfmt,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run the exporter (the default).
    Serve,
    /// Probe one target now and say what was seen. Exit code 0: up, 1: down, 64: wrong usage.
    Probe(ProbeArgs),
    /// Look addresses and domains up on DNS lists now. Exit code 0: clean on every block list that
    /// answered, 1: on a block list, 2: no list could tell, 64: wrong usage.
    Dnsbl(dnsbl::DnsblArgs),
    /// Look at the records and keys of a domain now: SPF, DKIM, DMARC, MTA-STS, TLS-RPT, DANE, the mail
    /// exchangers and what sends. Exit code 0: no error, 1: an error, 64: wrong usage.
    Posture(posture::PostureArgs),
    /// Say what a reply means: its cause, whose side it is, and what to do. A problem's name, such as
    /// `spf_missing`, is told in the same way.
    Explain(explain::ExplainArgs),
    /// Run against built-in loopback mail servers with faults: nothing to install.
    Demo(DemoArgs),
    /// Print the reference of metrics, causes, block lists and configuration as Markdown.
    Reference,
    #[command(flatten)]
    Tool(Tool),
}

#[derive(Args)]
struct ProbeArgs {
    /// A configured target, `host`, `host:port`, or `domain:NAME`.
    target: String,
    /// How to probe it. Default: the target's first module, or `smtp`.
    #[arg(long)]
    module: Option<String>,
    /// Form of the answer; `ticket` is what a provider's support asks for.
    #[arg(long, default_value = "text")]
    format: ProbeFormat,
    /// Show the transcript too.
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProbeFormat {
    Text,
    Json,
    Ticket,
}

#[derive(Args)]
struct DemoArgs {
    /// End by itself after this time, such as `30s`.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
}

fn check(common: &Common) -> anyhow::Result<ExitCode> {
    match load(common) {
        Ok((config, web)) => {
            options(common, web)?;
            let config = match common.shard {
                Some(shard) => config.in_shard(shard),
                None => config,
            };
            say(&config.summary())
        }
        Err(error) => {
            options(common, WebFile::default())?;
            Ok(refuse(&error))
        }
    }
}

fn serve(common: &Common) -> anyhow::Result<ExitCode> {
    let (config, web) = match load(common) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(refuse(&error)),
    };
    let options = options(common, web)?;
    app::runtime()?.block_on(app::serve(options, config, None))?;
    Ok(ExitCode::SUCCESS)
}

/// Both configuration files, or all that is wrong with them.
fn load(common: &Common) -> Result<(Config, WebFile), ConfigError> {
    let web = WebFile::open(common.web_config_file.as_deref());
    match (app::load(common.config_file.as_deref()), web) {
        (Ok(mut config), Ok((web, warnings))) => {
            config.warnings.extend(warnings);
            Ok((config, web))
        }
        (Err(mut error), Err(more)) => {
            error.0.extend(more.0);
            Err(error)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

fn probe(common: &Common, args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let config = match app::load(common.config_file.as_deref()) {
        Ok(config) => config,
        Err(error) => return Ok(refuse(&error)),
    };
    let check = match app::check_for(&config, &args.target, args.module.as_deref()) {
        Ok(check) => check,
        Err(problem) => return Ok(complain(&format!("smtp_exporter: {problem}"))),
    };
    let rules = config.policy.rules.clone();
    let with_origins = matches!(args.format, ProbeFormat::Ticket);
    let probe = app::probe_once(config.policy, &check, with_origins);
    let (round, origins) = app::runtime()?.block_on(probe)?;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = match args.format {
        ProbeFormat::Text => report::text(&check, &round, &rules, args.verbose, colour),
        ProbeFormat::Json => report::json(&check, &round, &rules),
        ProbeFormat::Ticket => report::ticket(&check, &round, &origins),
    };
    say(&text)?;
    Ok(match report::succeeded(&round) {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::from(DOWN),
        None => ExitCode::from(INTERRUPTED),
    })
}

fn demo(common: &Common, args: DemoArgs) -> anyhow::Result<ExitCode> {
    let web = match WebFile::open(common.web_config_file.as_deref()) {
        Ok((web, _)) => web,
        Err(error) => return Ok(refuse(&error)),
    };
    let options = options(common, web)?;
    app::runtime()?.block_on(app::demo(options, args.duration))?;
    Ok(ExitCode::SUCCESS)
}

fn options(common: &Common, web: WebFile) -> anyhow::Result<Options> {
    anyhow::ensure!(
        common.timeout_offset.is_finite() && (0.0..=60.0).contains(&common.timeout_offset),
        "--timeout-offset is {}: it must be from 0 to 60 seconds",
        common.timeout_offset
    );
    anyhow::ensure!(
        common.history_limit <= HISTORY_MOST,
        "--history.limit is {}: it must be at most {HISTORY_MOST}",
        common.history_limit
    );
    Ok(Options {
        config_file: common.config_file.clone(),
        listen: common.listen.clone(),
        web: Arc::new(web),
        closed: common.closed.clone(),
        external_url: common.external_url.clone(),
        route_prefix: common.route_prefix.clone(),
        systemd_socket: common.systemd_socket,
        history_limit: common.history_limit,
        timeout_offset: Duration::from_secs_f64(common.timeout_offset),
        shard: common.shard,
    })
}

fn page(name: &str) -> Result<Page, String> {
    Page::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Page::ALL.iter().map(|page| page.as_str()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn reference() -> String {
    format!(
        "# Metrics\n\n{}\n# Causes\n\n{}\n# Block lists\n\n{}\n# Configuration\n\n{}\n# Web configuration\n\n{}",
        crate::metrics::reference::markdown(),
        advice::markdown(),
        crate::dnsbl::catalogue::markdown(),
        crate::config::markdown(),
        crate::config::web_markdown()
    )
}

/// Writes to standard output. A reader that went away is no error.
fn say(text: &str) -> anyhow::Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    quietly(output.write_all(text.as_bytes()).and_then(|()| output.flush()))?;
    Ok(ExitCode::SUCCESS)
}

fn quietly(result: std::io::Result<()>) -> anyhow::Result<Option<()>> {
    match result {
        Ok(()) => Ok(Some(())),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to standard output")),
    }
}

/// Writes the problems of a configuration to standard error.
fn refuse(error: &ConfigError) -> ExitCode {
    complain(&error.to_string())
}

fn complain(text: &str) -> ExitCode {
    // Nowhere is left to complain about a standard error that is closed.
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
    ExitCode::from(USAGE)
}

/// The system did not give what was asked for rightly, such as a port that another process has.
/// Starting again may help then, and never does after wrong usage.
fn is_of_the_system(error: &anyhow::Error) -> bool {
    let errors = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    let kinds: Vec<_> = errors.map(std::io::Error::kind).collect();
    !kinds.is_empty() && !kinds.contains(&std::io::ErrorKind::InvalidInput)
}

/// What was asked about is not well.
const DOWN: u8 = 1;
/// Wrong usage or a bad configuration: EX_USAGE of sysexits.h.
const USAGE: u8 = 64;
/// EX_OSERR of sysexits.h.
const SYSTEM: u8 = 71;
/// A probe that was interrupted before it saw anything: 128 and SIGINT's number, as shells have it.
const INTERRUPTED: u8 = 130;
/// The most results per target that may be asked for.
const HISTORY_MOST: usize = 100_000;
