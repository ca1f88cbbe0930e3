#!/usr/bin/env bash
# deb.sh DEB WORK   installs, upgrades, runs, removes and purges a package, as root
#
# It happens in namespaces of its own, on a copy of this machine's files that is memory alone: the
# machine itself stays as it was. `unit.py` runs the service there as its unit says.
set -euo pipefail

here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
deb=$(realpath "$1")
work=$(realpath -m "$2")
if [[ ${3-} != inside ]]; then
    mkdir -p "$work"
    exec unshare --mount --pid --fork --net --ipc --uts --mount-proc "${BASH_SOURCE[0]}" "$deb" "$work" inside
fi

mount -t tmpfs -o mode=755 tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
root=$work/root
ip link set lo up
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
install -m 0644 "$deb" "$root/tmp/smtp-exporter.deb"
install -m 0755 "$here/unit.py" "$root/tmp/unit.py"

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive
in_there() { chroot "$root" "$@"; }
good=0
# holds WHAT COMMAND...
holds() {
    local what=$1
    shift
    if "$@"; then
        good=$((good + 1))
    else
        echo "not so: $what" >&2
        exit 1
    fi
}
looks() { [[ $(in_there stat -c '%U:%G %a' "$1") == "$2" ]]; }

in_there dpkg --install /tmp/smtp-exporter.deb
holds 'the files are as packed' in_there dpkg --verify smtp-exporter
holds 'there is a user, and it cannot log in' in_there sh -c 'getent passwd smtp-exporter | grep -q nologin'
holds 'the configuration is for the service alone' looks /etc/smtp_exporter/smtp_exporter.yml 'root:smtp-exporter 640'
holds 'secrets are for root alone' looks /etc/smtp_exporter/secrets 'root:root 700'
holds 'the configuration is good' in_there smtp_exporter --config.file=/etc/smtp_exporter/smtp_exporter.yml --config.check
holds 'the unit is enabled' test -L "$root/etc/systemd/system/multi-user.target.wants/smtp_exporter.service"
holds 'the socket is enabled' test -L "$root/etc/systemd/system/sockets.target.wants/smtp_exporter.socket"
holds 'the man page is one' in_there sh -c 'man --warnings smtp_exporter 2>&1 | grep -q -- --shard'
# shellcheck disable=SC2016 # It is the other shell that expands this.
holds 'bash completes' in_there bash -c '
    source /usr/share/bash-completion/completions/smtp_exporter
    COMP_WORDS=(smtp_exporter --sha) COMP_CWORD=1
    _smtp_exporter smtp_exporter --sha smtp_exporter
    [[ " ${COMPREPLY[*]} " == *" --shard "* ]]'

echo '# mine' >>"$root/etc/smtp_exporter/smtp_exporter.yml"
in_there dpkg --install /tmp/smtp-exporter.deb
holds 'an upgrade keeps a changed configuration' grep -q '^# mine' "$root/etc/smtp_exporter/smtp_exporter.yml"

in_there /tmp/unit.py

in_there dpkg --remove smtp-exporter
holds 'removal keeps the configuration' test -e "$root/etc/smtp_exporter/smtp_exporter.yml"
holds 'removal takes the program' test ! -e "$root/usr/bin/smtp_exporter"
in_there dpkg --purge smtp-exporter
for path in /etc/smtp_exporter /etc/default/smtp_exporter /var/lib/smtp_exporter /lib/systemd/system/smtp_exporter.service; do
    holds "purging takes $path" test ! -e "$root$path"
done
echo "$good things hold of $(basename "$deb")"
