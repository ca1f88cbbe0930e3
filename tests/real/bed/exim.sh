#!/usr/bin/env bash
# Exim: port 25 plain and STARTTLS, 465 implicit TLS, AUTH PLAIN for alice/secret inside TLS. Further
# lines go into the main section, ACL among the access control lists, and RECIPIENT in front of what
# is asked at RCPT. ALSO is a list of further interfaces, each after a semicolon; CERTIFICATE is a file.
. "$(dirname "$0")/common.sh"
add_user Debian-exim 61103 /var/spool/exim4

etc=$overlay/etc/exim4
mkdir -p "$etc"
cp "$state/pki/key.pem" "$state/pki/chain.pem" "$etc/"
chmod 644 "$etc"/*.pem
{
    cat <<C
primary_hostname = mail.bed.test
local_interfaces = <; $address ${ALSO:-}
daemon_smtp_ports = 25 : 465
tls_on_connect_ports = 465
domainlist local_domains = bed.test
log_file_path = /var/log/exim4/%slog
log_selector = +smtp_connection +smtp_no_mail +tls_cipher
pid_file_path = /run/exim4/exim.pid
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = ${CERTIFICATE:-/etc/exim4/chain.pem}
tls_privatekey = /etc/exim4/key.pem
auth_advertise_hosts = \${if eq{\$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = recipient
keep_environment =
C
    printf '%s\n' "$@"
    cat <<C
begin acl
${ACL:-}
recipient:
${RECIPIENT:-}
C
    cat <<'C'
  accept  domains = +local_domains
          local_parts = alice : postmaster
  deny    domains = +local_domains
          message = Unknown user
  accept  authenticated = *
  deny    message = relay not permitted
begin routers
all:
  driver = accept
  transport = drop
begin transports
drop:
  driver = appendfile
  file = /dev/null
  user = mail
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{alice}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
C
} >"$etc/exim4.conf"

open_room exim <<'S'
mkdir -p /var/spool/exim4 /var/log/exim4 /run/exim4
chown -R Debian-exim:Debian-exim /var/spool/exim4 /var/log/exim4 /run/exim4
ln -s /state/log /var/log/exim4/mainlog
exec exim4 -bdf
S
