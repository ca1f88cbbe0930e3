#!/usr/bin/env bash
# alertmanager.sh STORE FLAG...
#
# Runs Debian's Alertmanager from where it was unpacked. It reads its own templates from /usr/share,
# so that is seen with the package's files over it, by this process alone.
set -euo pipefail

root=$1/roots/alertmanager
shift

exec unshare --mount bash -c '
    mount -t overlay overlay -o "lowerdir=$0/usr/share:/usr/share" /usr/share
    exec "$0/usr/bin/prometheus-alertmanager" "$@"' "$root" "$@"
