#!/usr/bin/env bash
# image.sh PROGRAM WORK   runs a static program in a root that holds what the image holds, as root
#
# No container engine is needed: an empty directory, read-only but for the state, becomes the root of
# the image's user, in a network of its own. What is probed are the demo's servers, and the image's
# file of public authorities holds the demo's instead: the certificate verifies only if it is read.
set -euo pipefail

program=$(realpath "$1")
work=$(realpath -m "$2")
if [[ ${3-} != inside ]]; then
    # ldd ends well for a static program that can be moved, too.
    if ldd "$program" 2>&1 | grep -q '=>'; then
        echo "$program is not static" >&2
        exit 1
    fi
    mkdir -p "$work"
    exec unshare --mount --pid --fork --net --mount-proc "${BASH_SOURCE[0]}" "$program" "$work" inside
fi

mount -t tmpfs -o mode=755 tmpfs "$work"
ip link set lo up
root=$work/root
install -D "$program" "$root/usr/bin/smtp_exporter"
install -d "$root/etc/smtp_exporter" "$root/etc/ssl/certs" "$root/dev"
install -d -m 0700 -o 10057 -g 10057 "$root/var/lib/smtp_exporter"

# Process 1 of the namespaces ends with this script, and all else with it.
TMPDIR=$work "$program" demo --web.listen-address=127.0.0.1:10058 >"$work/demo.txt" 2>"$work/demo.log" &
until grep -q 'message=serving' "$work/demo.log"; do
    kill -0 $! || { cat "$work/demo.log"; exit 1; }
    sleep 0.1
done
demo=$(dirname "$(sed -n 's/^ *the configuration //p' "$work/demo.txt")")
sed '/^tls:/,/ca_file/d' "$demo/smtp_exporter.yml" >"$root/etc/smtp_exporter/smtp_exporter.yml"
cp "$demo/ca.pem" "$root/etc/ssl/certs/ca-certificates.crt"
mount --bind "$root/var/lib/smtp_exporter" "$root/var/lib/smtp_exporter"
mount --bind "$root" "$root"
mount --bind "$root/var/lib/smtp_exporter" "$root/var/lib/smtp_exporter"
# Every container engine gives these.
for device in null random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro,bind "$root"

in_image() { env -i STATE_DIRECTORY=/var/lib/smtp_exporter HOSTNAME=pod-0 /usr/sbin/chroot --userspec=10057:10057 "$root" "$@"; }
in_image /usr/bin/smtp_exporter --config.file=/etc/smtp_exporter/smtp_exporter.yml --shard=auto/1 2>"$work/log" &
for _ in {1..50}; do
    in_image /usr/bin/smtp_exporter healthcheck 2>/dev/null && break
    sleep 0.2
done
in_image /usr/bin/smtp_exporter healthcheck || { cat "$work/log"; exit 1; }

wanted='^smtp_tls_verified\{.*target="healthy".*\} 1$'
for _ in {1..100}; do
    curl -fsS http://127.0.0.1:10057/metrics >"$work/metrics"
    grep -Eq "$wanted" "$work/metrics" && [[ -e $root/var/lib/smtp_exporter/pauses.json ]] && break
    sleep 0.5
done
if ! grep -Eq "$wanted" "$work/metrics" || ! [[ -e $root/var/lib/smtp_exporter/pauses.json ]]; then
    cat "$work/log"
    grep 'target="healthy"' "$work/metrics"
    exit 1
fi
grep -q 'shard=0/1' "$work/log"
# The image's healthcheck says when it is over, too.
pid=$(pgrep --full -- --shard=auto/1)
kill -TERM "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
if in_image /usr/bin/smtp_exporter healthcheck; then
    exit 1
fi
echo "a static program in an empty root, as 10057, probes with TLS and is healthy"
