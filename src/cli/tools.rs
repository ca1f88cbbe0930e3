//! Subcommands for packages and for what looks after a running exporter, not for its users.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Common, DOWN, complain, manual, say};
use crate::app;
use crate::target::Shard;

#[derive(Subcommand)]
pub(super) enum Tool {
    /// Ask a running exporter whether it is well: exit code 0 if so, 1 if not. One that wants a
    /// login, or a client's certificate, is; with https the certificate is not verified.
    Healthcheck {
        /// What to ask. Default: `/-/healthy` at the first --web.listen-address, in clear.
        url: Option<String>,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page.
    Man,
}

pub(super) fn run(common: &Common, tool: Tool) -> anyhow::Result<ExitCode> {
    match tool {
        Tool::Healthcheck { url } => healthcheck(common, url),
        Tool::Completions { shell } => say(&manual::completions(shell)),
        Tool::Man => say(&manual::man()?),
    }
}

fn healthcheck(common: &Common, url: Option<String>) -> anyhow::Result<ExitCode> {
    let url = url.unwrap_or_else(|| {
        let first = common.listen.first().map_or(":10057", String::as_str);
        let prefix = app::route_prefix(common.route_prefix.as_deref(), &common.external_url);
        app::health_url(first, &prefix)
    });
    let question = match app::HealthQuestion::parse(&url) {
        Ok(question) => question,
        Err(problem) => return Ok(complain(&format!("smtp_exporter: {problem}"))),
    };
    match app::runtime()?.block_on(question.ask()) {
        Ok(answer) => say(&format!("{answer}\n")),
        Err(error) => {
            complain(&format!("smtp_exporter: {url}: {error:#}"));
            Ok(ExitCode::from(DOWN))
        }
    }
}

/// `--shard`, where the host's name may hold the index: HOSTNAME, which Kubernetes sets to the pod's
/// name, or what the system calls itself.
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    let variable = std::env::var("HOSTNAME").ok();
    let host = variable.or_else(|| hostname::get().ok()?.into_string().ok());
    Shard::parse(text, host.as_deref())
}
