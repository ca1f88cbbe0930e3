#!/usr/bin/env bash
# OpenSMTPD: port 25, plain, with a STARTTLS that is offered and whose handshake fails: Debian 12's
# 6.8 fails all of them, which makes it the fixture for TLS that is broken at the server. Further
# lines go before the rules. FULL=yes gives it a spool without a free inode: blocks it
# does not look at before a message is there.
. "$(dirname "$0")/common.sh"
add_user opensmtpd 61107 /run/opensmtpd
add_user opensmtpq 61108
add_user alice 61106 /home/alice

etc=$overlay/etc
cp "$state/pki/key.pem" "$state/pki/chain.pem" "$etc/"
chmod 600 "$etc/key.pem"
{
    cat <<C
pki bed cert "/etc/chain.pem"
pki bed key "/etc/key.pem"
C
    printf '%s\n' "$@"
    cat <<C
listen on $address port 25 hostname mail.bed.test tls pki bed
action "drop" maildir "/tmp/mail"
match from any for domain "bed.test" action "drop"
C
} >"$etc/smtpd.conf"

echo "${FULL:-no}" >"$state/full"

open_room opensmtpd <<'S'
mkdir -p /var/spool/smtpd /run/opensmtpd /var/empty /home/alice
if [[ $(</state/full) == yes ]]; then
    # Six inodes: the spool and the five directories that the server lays out there.
    mount -t tmpfs -o size=1m,nr_inodes=6 tmpfs /var/spool/smtpd
fi
chmod 711 /var/spool/smtpd
chown alice /home/alice
chgrp opensmtpq /usr/sbin/smtpctl
chmod 2555 /usr/sbin/smtpctl
exec smtpd -d -f /etc/smtpd.conf >>/state/log 2>&1
S
