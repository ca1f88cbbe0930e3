//! Tells the exporter what it was built from: the source revision (`SMTP_EXPORTER_REVISION` when
//! the packager sets it, else git's) and the compiler's version. What cannot be told stays unset.
//! And lists the runbooks, so that the exporter carries them along.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "cargo:rerun-if-changed=src/build.rs")?;
    writeln!(out, "cargo:rerun-if-env-changed=SMTP_EXPORTER_REVISION")?;
    let revision = match std::env::var("SMTP_EXPORTER_REVISION") {
        Ok(revision) => Some(revision),
        Err(_) => git_revision(&mut out)?,
    };
    if let Some(revision) = revision {
        writeln!(out, "cargo:rustc-env=SMTP_EXPORTER_REVISION={revision}")?;
    }
    let compiler = std::env::var("RUSTC").ok().and_then(|rustc| answer(&rustc, &["--version"]));
    if let Some(version) = compiler.as_deref().and_then(|line| line.split(' ').nth(1)) {
        writeln!(out, "cargo:rustc-env=SMTP_EXPORTER_RUST_VERSION={version}")?;
    }
    runbooks(&mut out)
}

/// Writes `runbooks.rs`: a slice of each page's name and text, in the order of the names. The pages
/// stand once, beside the rules that link to them.
fn runbooks(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "cargo:rerun-if-changed={RUNBOOKS}")?;
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(here.join(RUNBOOKS))? {
        let path = entry?.path();
        if let (Some("md"), Some(name)) =
            (path.extension().and_then(|e| e.to_str()), path.file_stem().and_then(|n| n.to_str()))
        {
            pages.push(format!("({name:?}, include_str!({path:?}))"));
        }
    }
    pages.sort();
    let target = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    std::fs::write(target.join("runbooks.rs"), format!("&[{}]\n", pages.join(",\n")))
}

/// The commit, when this directory is the top of a repository: unpacked inside somebody else's, it
/// would tell theirs.
fn git_revision(out: &mut impl Write) -> io::Result<Option<String>> {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let top = answer("git", &["rev-parse", "--show-toplevel"]);
    let same = |top: &String| matches!((Path::new(top).canonicalize(), Path::new(&here).canonicalize()), (Ok(a), Ok(b)) if a == b);
    if !top.as_ref().is_some_and(same) {
        return Ok(None);
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = answer("git", &["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            writeln!(out, "cargo:rerun-if-changed={path}")?;
        }
    }
    Ok(answer("git", &["rev-parse", "--short=12", "HEAD"]))
}

/// The first line that a command answers, if it goes well.
fn answer(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

const RUNBOOKS: &str = "deploy/prometheus/runbooks";
