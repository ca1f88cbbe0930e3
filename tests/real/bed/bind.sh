#!/usr/bin/env bash
# BIND: a name server on port 53 that has the zones it is told of and refuses everything else. A
# further line `@ ZONE` opens a zone; the lines after it are its records, below SOA and NS with a TTL
# of 300 s and a negative one of 60 s. A zone whose records are wrong answers SERVFAIL. STATE/log has
# every question.
. "$(dirname "$0")/common.sh"
add_user bind 61114 /var/cache/bind

etc=$overlay/etc/bind
mkdir -p "$etc"
cat >"$etc/named.conf" <<C
options {
    directory "/var/cache/bind";
    listen-on { $address; };
    listen-on-v6 { none; };
    recursion no;
    querylog yes;
    pid-file none;
    session-keyfile "/var/cache/bind/session.key";
    dnssec-validation no;
    managed-keys-directory "/var/cache/bind";
};
controls { };
logging {
    channel told { file "/state/log"; print-time yes; };
    category default { told; };
    category queries { told; };
};
C
printf '%s\n' "$@" | awk -v folder="$etc" '
    /^@ [^ ]+$/ && $2 ~ /\.test$/ {
        file = folder "/" $2
        print "zone \"" $2 "\" { type primary; file \"/etc/bind/" $2 "\"; };" >>(folder "/named.conf")
        print "$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.9" >file
        next
    }
    { print >file }'

# It listens at addresses of interfaces alone, and loopback has all of 127/8 without having them.
perl -MSocket -e '
    socket(S, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    my $alias = "lo:" . (split /\./, $ARGV[0])[3];
    my $request = pack("a16 a16", $alias, pack_sockaddr_in(0, inet_aton($ARGV[0])));
    ioctl(S, 0x8916, $request) or die "$alias: $!"' "$address"

open_room bind <<'S'
mkdir -p /var/cache/bind
chown bind /var/cache/bind
chmod 777 /state
exec named -f -u bind -c /etc/bind/named.conf
S
