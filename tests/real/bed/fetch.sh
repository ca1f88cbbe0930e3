#!/usr/bin/env bash
# fetch.sh STORE NAME PACKAGE...
#
# Downloads Debian packages, with whatever they need that this machine lacks, and unpacks them into
# STORE/roots/NAME. Nothing is installed: apt is told to keep its lists and archives in STORE, and
# reads the machine's own sources. Does nothing when the same packages were unpacked before.
set -euo pipefail

store=$(realpath -m "$1")
name=$2
shift 2
root=$store/roots/$name
stamp=$root.stamp
want="$*"

if [[ -e $stamp && $(<"$stamp") == "$want" ]]; then
    exit 0
fi

lists=$store/apt/lists
archives=$store/debs/$name
mkdir -p "$lists/partial" "$archives/partial"
rm -f "$archives"/*.deb
# The sandbox user of apt cannot write below a directory that only root may enter.
own=(-o "Dir::State::lists=$lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
    -o "Debug::NoLocking=1" -o "APT::Sandbox::User=root" -o "Acquire::Retries=3")

# One source of several that cannot be reached is no reason to stop: the download tells.
update() {
    apt-get -qq "${own[@]}" -o Acquire::Languages=none update >"$store/apt/update.log" 2>&1 ||
        cat "$store/apt/update.log" >&2
    touch "$store/apt/updated"
}

download() {
    apt-get -qq -y --download-only --reinstall --no-install-recommends "${own[@]}" \
        -o "Dir::Cache::archives=$archives" install "$@" >"$archives/apt.log" 2>&1
}

# Lists of an earlier run may point to versions that are gone: then they are read anew, once.
fresh=
if [[ ! -e $store/apt/updated ]]; then
    update
    fresh=yes
fi
if ! download "$@"; then
    if [[ -z $fresh ]]; then
        update
    fi
    if [[ -n $fresh ]] || ! download "$@"; then
        cat "$archives/apt.log" >&2
        exit 1
    fi
fi

rm -rf "$root"
mkdir -p "$root"
for package in "$archives"/*.deb; do
    dpkg-deb --extract "$package" "$root"
done
# /bin and its like are links on the machine; a directory in the layer above would hide them.
for merged in bin sbin lib lib64; do
    if [[ -d $root/$merged && ! -L $root/$merged ]]; then
        mkdir -p "$root/usr/$merged"
        cp -a "$root/$merged/." "$root/usr/$merged/"
        rm -rf "${root:?}/$merged"
    fi
done
printf '%s' "$want" >"$stamp"
