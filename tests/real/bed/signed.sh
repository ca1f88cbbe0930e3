#!/usr/bin/env bash
# BIND with signed zones, an authority on port 53 that refuses everything else. A further line
# `@ ZONE HOW` opens a zone, the parent first; the lines after it are its records, below SOA and NS. HOW:
#   nsec, nsec3   signed, and its names denied so
#   unsigned      delegated without DS
#   forged        signed, and 192.0.2.66 then changed to 192.0.2.99, whatever was signed
#   expired       signed in 2020, for a month
#   stripped      a parent that has its DS, and no signatures
# A zone below another gets its NS and DS there. STATE/anchor.key has the first zone's key.
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
    minimal-responses no;
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
printf '%s\n' "$@" | awk -v folder="$etc" -v address="$address" '
    /^@ [^ ]+ [a-z0-9]+$/ {
        zone = $2
        file = folder "/" zone
        print zone, $3 >>(folder "/zones")
        print "zone \"" zone "\" { type primary; file \"/etc/bind/" zone ".served\"; };" \
            >>(folder "/named.conf")
        print "$TTL 300\n$ORIGIN " zone ".\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A " \
            address >file
        if (seen[parent = substr(zone, index(zone, ".") + 1)]++)
            print zone ". NS ns." zone ".\nns." zone ". A " address >>(folder "/" parent)
        seen[zone] = 1
        next
    }
    { print >>file }'

perl -MSocket -e '
    socket(S, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    my $alias = "lo:" . (split /\./, $ARGV[0])[3];
    my $request = pack("a16 a16", $alias, pack_sockaddr_in(0, inet_aton($ARGV[0])));
    ioctl(S, 0x8916, $request) or die "$alias: $!"' "$address"

open_room bind <<'S'
set -e
cd /etc/bind
# Children first, so that the parents have their DS.
tac zones | while read -r zone how; do
    if [[ $how == unsigned ]]; then
        cp "$zone" "$zone.served"
        continue
    fi
    dnssec-keygen -q -a ECDSAP256SHA256 "$zone" >/dev/null
    dnssec-keygen -q -a ECDSAP256SHA256 -f KSK "$zone" >/dev/null
    options=()
    [[ $how == nsec3 ]] && options+=(-3 - -H 0)
    [[ $how == expired ]] && options+=(-P -s 20200101000000 -e 20200201000000)
    dnssec-signzone -q -S -g -d . -o "$zone" -f "$zone.served" "${options[@]}" "$zone" >/dev/null
    case $how in
        forged) sed -i 's/192\.0\.2\.66/192.0.2.99/' "$zone.served" ;;
        stripped) cp "$zone" "$zone.served" ;;
    esac
done
read -r first _ <zones
cat K"$first".*.key | awk '!/^;/ && / 257 /' >/state/anchor.key
mkdir -p /var/cache/bind
chown -R bind /var/cache/bind /etc/bind
chmod 777 /state
exec named -f -u bind -c /etc/bind/named.conf
S
