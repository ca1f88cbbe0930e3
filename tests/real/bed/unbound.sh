#!/usr/bin/env bash
# Unbound: a resolver with a cache on port 53. A further line `ZONE ADDRESS` says who serves a zone; any
# other line goes into its server section. It knows nobody else. A server that does not answer is
# tried anew after a second, so that a test need not wait for its patience.
. "$(dirname "$0")/common.sh"
add_user unbound 61115 /

conf=$overlay/etc/bed-unbound.conf
cat >"$conf" <<C
server:
  interface: $address
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  chroot: ""
  directory: "/tmp"
  pidfile: ""
  use-syslog: no
  logfile: "/state/log"
  log-queries: yes
  module-config: "iterator"
  infra-host-ttl: 1
  infra-keep-probing: yes
  local-zone: "test." nodefault
C
stubs=
for line in "$@"; do
    if [[ $line =~ ^([a-z0-9.-]+)\ ([0-9.]+)$ ]]; then
        stubs+="stub-zone:
  name: \"${BASH_REMATCH[1]}\"
  stub-addr: ${BASH_REMATCH[2]}
"
    else
        echo "  $line" >>"$conf"
    fi
done
printf 'stub-zone:\n  name: "."\n  stub-addr: 127.0.0.1@9\n%s' "$stubs" >>"$conf"

open_room unbound <<'S'
exec unbound -c /etc/bed-unbound.conf
S
