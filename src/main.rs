//! The binary: everything is in the library.

fn main() -> std::process::ExitCode {
    smtp_exporter::cli::main()
}
