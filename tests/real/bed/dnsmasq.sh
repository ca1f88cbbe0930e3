#!/usr/bin/env bash
# dnsmasq: a resolver on port 53 that knows what the further lines say of bed.test, and nobody else.
. "$(dirname "$0")/common.sh"

{
    cat <<C
listen-address=$address
bind-interfaces
no-resolv
no-hosts
local=/bed.test/
log-queries
log-facility=/state/log
user=root
C
    printf '%s\n' "$@"
} >"$overlay/etc/bed-dnsmasq.conf"

open_room dnsmasq <<'S'
exec dnsmasq --keep-in-foreground --conf-file=/etc/bed-dnsmasq.conf
S
