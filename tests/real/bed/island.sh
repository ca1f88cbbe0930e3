#!/usr/bin/env bash
# island.sh COMMAND...
#
# Runs a command on a machine of its own as far as the network and the processes go: loopback only,
# so that port 25 is free and nothing can leave, and when the command ends, whatever it started ends.
set -euo pipefail

up='socket(S, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    my $request = pack("a16 s x22", "lo", 0x41);
    ioctl(S, 0x8914, $request) or die "loopback: $!"'
exec unshare --net --mount --pid --fork --kill-child --mount-proc \
    bash -c 'perl -MSocket -e "$1" && shift && "$@"' island "$up" "$@"
