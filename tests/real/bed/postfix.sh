#!/usr/bin/env bash
# Postfix: port 25 plain and STARTTLS, 465 implicit TLS, 587 submission. Further lines go into
# main.cf, the lines of SERVICES into master.cf. FRONT=postscreen puts postscreen on port 25, and
# PROCESSES bounds the smtpd behind it. IPV6=yes listens on port 25 of ::1 as well. No client is in
# `mynetworks`, so nobody is exempt from limits and nobody may relay. WHOLE_CHAIN=yes shows the root too.
. "$(dirname "$0")/common.sh"
add_user postfix 61101 /var/spool/postfix
add_user postdrop 61102

etc=$overlay/etc/postfix
mkdir -p "$etc"
cat "$state/pki/key.pem" "$state/pki/chain.pem" ${WHOLE_CHAIN:+"$state/pki/ca.pem"} >"$etc/tls.pem"
chmod 600 "$etc/tls.pem"
{
    cat <<C
compatibility_level = 3.6
myhostname = mail.bed.test
mydestination = bed.test
mynetworks = 127.255.255.254/32
inet_interfaces = all
inet_protocols = ${IPV6:+ipv6, }ipv4
maillog_file = /state/log
maillog_file_prefixes = /state
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
local_recipient_maps = inline:{ postmaster=x, alice=x }
alias_maps =
local_transport = discard
default_transport = error:nothing leaves the bed
smtpd_tls_chain_files = /etc/postfix/tls.pem
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_peername_lookup = no
C
    printf '%s\n' "$@"
} | awk -F ' *= *' '
    # Of two settings of one name the last stands: each process would warn of the other, and more
    # warnings than a socket holds stop the server before there is a log to take them.
    !($1 in value) { order[++count] = $1 }
    { value[$1] = $0 }
    END { for (i = 1; i <= count; i++) print value[order[i]] }
' >"$etc/main.cf"

front=smtpd
limit=-
if [[ ${FRONT:-} == postscreen ]]; then
    front=postscreen
    limit=1
fi
cat >"$etc/master.cf" <<C
$address:25   inet n - n - $limit $front
smtpd         pass - - n - ${PROCESSES:--} smtpd
${IPV6:+[::1]:25 inet n - n - - smtpd}
${SERVICES:-}
$address:465  inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
$address:587  inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
dnsblog   unix - - n - 0 dnsblog
tlsproxy  unix - - n - 0 tlsproxy
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error     unix - - n - - error
smtp      unix - - n - - smtp
retry     unix - - n - - error
discard   unix - - n - - discard
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
C

open_room postfix <<'S'
cp /usr/share/postfix/dynamicmaps.cf /etc/postfix/
mkdir -p /var/lib/postfix /var/spool/postfix
chown postfix /var/lib/postfix
chgrp postdrop /usr/sbin/postqueue /usr/sbin/postdrop
chmod g+s /usr/sbin/postqueue /usr/sbin/postdrop
exec postfix start-fg
S
