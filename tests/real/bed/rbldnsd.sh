#!/usr/bin/env bash
# rbldnsd: DNS lists as their operators serve them, on port 53, UDP alone. A further line `@ TYPE
# ZONE...` opens a data set of that type that these zones serve; the lines after it are its content.
# Every data set begins with SOA, NS, and a TTL of TTL seconds. STATE/log has a line per question:
# time, client, name, type, class, and how it was answered.
. "$(dirname "$0")/common.sh"
add_user rbldns 61113 /

mkdir "$overlay/lists"
printf '%s\n' "$@" | awk -v folder="$overlay/lists" -v ttl="${TTL:-300}" '
    /^@ / {
        file = "set" ++count
        for (i = 3; i <= NF; i++) print $i ":" $2 ":" file >(folder "/zones")
        print "$SOA " ttl " ns.lists.test hostmaster.lists.test 1 600 300 86400 " ttl >(folder "/" file)
        print "$NS " ttl " ns.lists.test\n$TTL " ttl >(folder "/" file)
        next
    }
    { print >(folder "/" file) }'
echo "$address" >"$state/address"

open_room rbldnsd <<'S'
mapfile -t zones </lists/zones
exec rbldnsd -n -u rbldns -b "$(</state/address)/53" -w /lists -l +/state/log "${zones[@]}"
S
