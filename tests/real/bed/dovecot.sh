#!/usr/bin/env bash
# Dovecot: submission on 587 (STARTTLS) and 465 (implicit TLS), handing on to port 25 of RELAY, and
# the authentication service that Postfix asks on port 12345. Anybody whose password is "secret".
# Further lines go into dovecot.conf.
. "$(dirname "$0")/common.sh"
add_user dovecot 61109 /
add_user dovenull 61110 /
add_user vmail 61111 /tmp

etc=$overlay/etc/dovecot
mkdir -p "$etc"
cp "$state/pki/key.pem" "$state/pki/chain.pem" "$etc/"
{
    cat <<C
protocols = submission
listen = $address
base_dir = /run/dovecot
log_path = /state/log
hostname = mail.bed.test
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/tmp/%u
}
mail_location = maildir:~/mail
ssl = yes
ssl_cert = </etc/dovecot/chain.pem
ssl_key = </etc/dovecot/key.pem
submission_relay_host = ${RELAY:-127.0.0.1}
submission_relay_port = 25
service submission-login {
  inet_listener submission {
    port = 587
  }
  inet_listener submissions {
    port = 465
    ssl = yes
  }
}
service auth {
  inet_listener {
    address = $address
    port = 12345
  }
}
C
    printf '%s\n' "$@"
} >"$etc/dovecot.conf"

open_room dovecot <<'S'
exec dovecot -F -c /etc/dovecot/dovecot.conf
S
