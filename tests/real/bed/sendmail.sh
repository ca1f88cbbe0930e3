#!/usr/bin/env bash
# Sendmail: port 25 plain and STARTTLS. Further lines go into the m4 source, before the mailers; ACCESS
# holds the lines of the access map, for those that use it.
. "$(dirname "$0")/common.sh"
add_user smmta 61104 /var/lib/sendmail
add_user smmsp 61105 /var/lib/sendmail
add_user alice 61106 /tmp

etc=$overlay/etc/mail
mkdir -p "$etc/tls"
cp "$state/pki/key.pem" "$state/pki/chain.pem" "$state/pki/ca.pem" "$etc/tls/"
chmod 600 "$etc/tls/key.pem"
{
    cat <<C
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
DOMAIN(\`generic')dnl
undefine(\`confHOST_STATUS_DIRECTORY')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Port=25, Addr=$address')dnl
define(\`confDOMAIN_NAME', \`mail.bed.test')dnl
define(\`confPID_FILE', \`/run/sendmail.pid')dnl
define(\`confTRUSTED_USER', \`smmta')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confSERVER_CERT', \`/etc/mail/tls/chain.pem')dnl
define(\`confSERVER_KEY', \`/etc/mail/tls/key.pem')dnl
define(\`confCACERT', \`/etc/mail/tls/ca.pem')dnl
define(\`confCACERT_PATH', \`/etc/mail/tls')dnl
LOCAL_DOMAIN(\`bed.test')dnl
C
    printf '%s\n' "$@"
    cat <<C
MAILER(\`local')dnl
MAILER(\`smtp')dnl
C
} >"$etc/sendmail.mc"

printf '%s\n' "${ACCESS:-}" >"$etc/access"

open_room sendmail <<'S'
cd /etc/mail
m4 sendmail.mc >sendmail.cf 2>/state/m4.log
for makemap in /usr/sbin/makemap /usr/lib/sm.bin/makemap /usr/libexec/sendmail/makemap; do
    if [[ -x $makemap ]]; then
        "$makemap" hash access <access
        break
    fi
done
touch aliases local-host-names trusted-users
mkdir -p /var/spool/mqueue /var/lib/sendmail /run/sendmail/mta
chown smmta /var/spool/mqueue
chown -R root:root /etc/mail
# Sendmail refuses files below a directory that others may write to.
chmod 755 / /etc /etc/mail
for mta in /usr/libexec/sendmail/sendmail /usr/lib/sm.bin/sendmail; do
    if [[ -x $mta ]]; then
        exec "$mta" -bD -C /etc/mail/sendmail.cf
    fi
done
echo 'no sendmail in the packages' >&2
exit 1
S
