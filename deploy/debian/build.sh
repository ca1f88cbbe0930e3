#!/usr/bin/env bash
# deploy/debian/build.sh   makes target/debian/smtp-exporter_VERSION_ARCH.deb
#
# Wants cargo-deb (cargo install cargo-deb), or another in CARGO_DEB. With BINARY, that program is
# packaged in place of a release build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target=${CARGO_TARGET_DIR:-target}
if [[ -n ${BINARY-} ]]; then
    [[ $BINARY -ef $target/release/smtp_exporter ]] || install -D "$BINARY" "$target/release/smtp_exporter"
else
    cargo build --locked --release --bin smtp_exporter
fi
program=$target/release/smtp_exporter

# Made by the program itself, so that they know every flag of it.
mkdir -p "$target/package"
"$program" man | gzip -9n >"$target/package/smtp_exporter.1.gz"
"$program" completions bash >"$target/package/smtp_exporter"
"$program" completions zsh >"$target/package/_smtp_exporter"
"$program" completions fish >"$target/package/smtp_exporter.fish"

"${CARGO_DEB:-cargo-deb}" deb --no-build --no-strip "$@"
