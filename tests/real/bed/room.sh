#!/usr/bin/env bash
# room.sh ROOT STATE, run by `open_room` as process 1 of its own namespaces.
#
# The server sees this machine's files, over them the unpacked packages of ROOT, over them
# STATE/overlay, and writes to memory. STATE itself is /state in there.
set -euo pipefail

root=$1
state=$2
base=$state/room
mkdir -p "$base"
mount -t tmpfs -o mode=755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/merged"
cp -a "$root/." "$base/upper/"
if [[ -d $state/overlay ]]; then
    cp -a "$state/overlay/." "$base/upper/"
fi
mkdir -p "$base/upper/state"
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/merged"

cd "$base/merged"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mkdir dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/lock
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$state" state

hostname mail.bed.test
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
# Servers that log by syslog(3) find a listener that writes what it gets to /state/log.
chroot . perl -MSocket -e '
    socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un("/dev/log")) or die "/dev/log: $!";
    chmod 0666, "/dev/log";
    open(LOG, ">>", "/state/log") or die "/state/log: $!";
    while (defined recv(S, my $line, 65536, 0)) { $line =~ s/\n/ /g; syswrite LOG, "$line\n" }' &
until [[ -S dev/log ]]; do sleep 0.02; done
# Process 1 stays a shell: it reaps, and it does not react to signals in a server's stead.
chroot . bash -e /state/start &
wait $!
