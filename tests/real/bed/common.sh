# shellcheck shell=bash
# What the recipes share. A recipe is `NAME.sh STORE STATE ADDRESS [LINE...]`: it writes the
# configuration of one server into STATE, with further lines as given, and becomes the server's
# keeper: whoever ends the keeper ends the server. STATE/pki holds key.pem, chain.pem and ca.pem.
# The server writes STATE/log; what it prints goes to the caller. It asks the resolver at RESOLVER,
# port 53, if it asks one.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
store=$(realpath "$1")
mkdir -p "$2"
state=$(realpath "$2")
address=$3
shift 3
overlay=$state/overlay
mkdir -p "$overlay/etc"
chmod 755 "$state"
cat >"$overlay/etc/hosts" <<H
127.0.0.1 localhost
::1 localhost
$address mail.bed.test mail
H
echo "nameserver ${RESOLVER:-127.0.0.1}" >"$overlay/etc/resolv.conf"
cp /etc/passwd /etc/group "$overlay/etc/"

# add_user NAME ID [HOME]: a user and a group that only the server sees.
add_user() {
    sed -i "/^$1:/d" "$overlay/etc/passwd" "$overlay/etc/group"
    echo "$1:x:$2:" >>"$overlay/etc/group"
    echo "$1:x:$2:$2::${3:-/nonexistent}:/bin/sh" >>"$overlay/etc/passwd"
}

# open_room NAME: become the keeper of a server that STATE/start (from standard input) starts.
open_room() {
    cat >"$state/start"
    touch "$state/log"
    chmod 666 "$state/log"
    exec unshare --mount --uts --pid --fork --kill-child --mount-proc \
        bash "$here/room.sh" "$store/roots/$1" "$state"
}
