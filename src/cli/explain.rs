//! `explain`: what replies mean, from the command line or from standard input.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{Common, complain, posture, quietly, refuse, say};
use crate::app;
use crate::cause::explain::Explanation;
use crate::posture::Problem;

#[derive(Args)]
pub(super) struct ExplainArgs {
    /// The reply, or the log line or bounce that holds it; or the name of a problem of a domain's
    /// records, as the label `problem` has it. Without it, standard input is read line by line.
    reply: Option<String>,
    /// Form of the answer. `tsv` is `cause<TAB>rule<TAB>line`.
    #[arg(long, default_value = "text")]
    format: ExplainFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    Text,
    Tsv,
    Json,
}

pub(super) fn explain(common: &Common, args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let config = match app::load(common.config_file.as_deref()) {
        Ok(config) => config,
        Err(error) => return Ok(refuse(&error)),
    };
    let rules = config.policy.rules;
    let answer = |line: &str| {
        let explanation = Explanation::of(&rules, line);
        match args.format {
            ExplainFormat::Text => explanation.to_text(),
            ExplainFormat::Tsv => explanation.to_tsv() + "\n",
            ExplainFormat::Json => explanation.to_json() + "\n",
        }
    };
    if let Some(reply) = &args.reply {
        if let Some(problem) = Problem::from_name(reply.trim()) {
            return say(&match args.format {
                ExplainFormat::Text => posture::problem_text(problem),
                ExplainFormat::Tsv => format!("{problem}\t{}\t{reply}\n", problem.area()),
                ExplainFormat::Json => format!("{}\n", posture::problem_json(problem)),
            });
        }
        return say(&answer(reply));
    }
    if std::io::stdin().is_terminal() {
        complain("reading replies or log lines, one a line; end with Ctrl-D");
    }
    let mut input = std::io::BufReader::new(std::io::stdin().lock());
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut first = true;
    while let Some(line) = read_line(&mut input)? {
        if args.format == ExplainFormat::Text && line.trim().is_empty() {
            continue;
        }
        let gap = if args.format == ExplainFormat::Text && !first { "\n" } else { "" };
        first = false;
        let written = write!(output, "{gap}{}", answer(&line)).and_then(|()| {
            // A person or a coprocess waits for each answer; a file does not end before the last.
            if input.buffer().is_empty() { output.flush() } else { Ok(()) }
        });
        if quietly(written)?.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    quietly(output.flush())?;
    Ok(ExitCode::SUCCESS)
}

/// One line without its end; a longer one than the bound is cut, and its rest is not kept.
fn read_line(input: &mut impl std::io::BufRead) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut seen = false;
    loop {
        let buffer = match input.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        if buffer.is_empty() {
            return Ok(seen.then(|| lossy(&line)));
        }
        seen = true;
        let (end, used) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(position) => (true, position + 1),
            None => (false, buffer.len()),
        };
        let room = LINE_MOST.saturating_sub(line.len()).min(used);
        line.extend_from_slice(buffer.get(..room).unwrap_or_default());
        input.consume(used);
        if end {
            return Ok(Some(lossy(&line)));
        }
    }
}

fn lossy(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned()
}

/// The most bytes of one line of standard input that are looked at.
const LINE_MOST: usize = 1 << 16;
