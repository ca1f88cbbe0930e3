#!/usr/bin/env bash
# postgrey: the greylist that Postfix asks, on port 10023. Nobody is on its lists of exceptions, and
# nobody gets in before five minutes.
. "$(dirname "$0")/common.sh"
add_user postgrey 61112 /var/lib/postgrey

mkdir -p "$overlay/etc/postgrey"
touch "$overlay/etc/postgrey/clients" "$overlay/etc/postgrey/recipients"
echo "$address" >"$state/address"

open_room postgrey <<'S'
mkdir -p /var/lib/postgrey
chown postgrey:postgrey /var/lib/postgrey
exec postgrey --inet="$(</state/address)":10023 --delay=300 --user=postgrey --group=postgrey \
    --dbdir=/var/lib/postgrey --whitelist-clients=/etc/postgrey/clients \
    --whitelist-recipients=/etc/postgrey/recipients >>/state/log 2>&1
S
