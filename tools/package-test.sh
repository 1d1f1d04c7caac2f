#!/usr/bin/env bash
# Installs the Debian package in a Debian that has nothing but what it depends on, uses it, removes it and purges it. Says
# so where it cannot be tried: that needs root, mmdebstrap and Debian's packages.
#
# Usage: tools/package-test.sh [PROFILE]; see tools/package.sh
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
    case ",${AUTHSCOPE_REQUIRE:-}," in
        *,-mmdebstrap,*) ;;
        *,all,* | *,mmdebstrap,*)
            echo "package-test: mmdebstrap is required (AUTHSCOPE_REQUIRE): $1" >&2
            exit 1
            ;;
    esac
    echo "package-test: SKIPPED: $1" >&2
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip "not root"
command -v mmdebstrap > /dev/null || skip "mmdebstrap is missing: apt-get install mmdebstrap"
command -v dpkg-shlibdeps > /dev/null || skip "dpkg-shlibdeps is missing: apt-get install dpkg-dev"
cargo deb --version > /dev/null 2>&1 || skip "cargo-deb is missing: cargo install --locked cargo-deb"

work=$(mktemp -d)
root=$work/root server=
clean_up() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    wait
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT

fail() {
    echo "package-test: $1" >&2
    exit 1
}
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

deb=$(tools/package.sh "${1:-release}")
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ -n "$suite" ] || skip "this is no Debian: the package's libraries are those of another system"
# mmdebstrap would need mounts for more; the essential packages and apt will do.
mmdebstrap --quiet --variant=minbase "$suite" "$root" > "$work/log" 2>&1 ||
    skip "Debian's packages cannot be had: $(tail -n 1 "$work/log")"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
find "$root" -xdev \( -type f -o -type l \) | sort > "$work/before"

cp "$deb" "$root/package.deb"
inside apt-get update -q > "$work/log" 2>&1 || skip "Debian's packages cannot be had: $(tail -n 1 "$work/log")"
inside apt-get install -y -q --no-install-recommends /package.deb > "$work/log" 2>&1 ||
    fail "cannot be installed: $(cat "$work/log")"
rm "$root/package.deb"

# What it brought. Each answer is kept whole before it is looked at.
inside dpkg -L authscope > "$work/files"
for path in /usr/bin/authscope /usr/bin/authscope-capture /usr/bin/authscope-server /usr/bin/authscope-client \
    /usr/share/man/man1/authscope.1.gz /usr/share/man/man1/authscope-capture.1.gz /usr/share/man/man1/authscope-server.1.gz /usr/share/man/man1/authscope-client.1.gz \
    /usr/share/bash-completion/completions/authscope-server /usr/share/zsh/vendor-completions/_authscope-client \
    /usr/share/fish/vendor_completions.d/authscope.fish /usr/share/doc/authscope/copyright \
    /usr/lib/systemd/system/authscope-server.service /etc/authscope/server.toml /etc/logrotate.d/authscope-server; do
    grep -qx "$path" "$work/files" || fail "$path is missing"
done
# shellcheck disable=SC2016 # dpkg's own words
inside dpkg-query -W -f '${Conffiles}\n${Depends}\n' authscope > "$work/about"
grep -q '^ /etc/authscope/server.toml ' "$work/about" ||
    fail "the configuration is no conffile"
# libpcap0.8t64 in Debian 13.
pcap=$(grep -o 'libpcap0\.8[a-z0-9]*' "$work/about" | sort -u || true)
[ -n "$pcap" ] || fail "libpcap is not among the dependencies"
[ "$(inside stat -c '%U %a' /var/lib/authscope)" = "authscope 700" ] || fail "its folder is not its own"
inside authscope --version > /dev/null

# The first user, whom root adds before the server has run: the file is the service's all the same.
inside authscope-server --config /etc/authscope/server.toml users add first --generate > "$work/log" 2>&1 ||
    fail "root cannot add a user: $(cat "$work/log")"
[ "$(inside stat -c '%U %a' /var/lib/authscope/passwd)" = "authscope 600" ] || fail "the passwd file is root's"

# The server as the unit starts it, but for the port; a user registers and logs in.
start=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/authscope-server.service")
: > "$work/server"
read -ra start <<< "$start"
chroot "$root" setpriv --reuid authscope --regid authscope --clear-groups \
    env -i PATH=/usr/bin:/bin AUTHSCOPE_LISTEN=127.0.0.1:0 "${start[@]}" 2> "$work/server" &
server=$!
for _ in $(seq 200); do
    address=$(sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' "$work/server")
    [ -z "$address" ] || break
    kill -0 "$server" 2> /dev/null || fail "the server ended: $(cat "$work/server")"
    sleep 0.05
done
[ -n "$address" ] || fail "the server does not start: $(cat "$work/server")"
ask() { echo "$2" | inside authscope-client "$1" alice --server "$address" --password-stdin; }
! ask register short > "$work/log" 2>&1 || fail "a password of five characters was taken"
grep -q "at least 8 characters" "$work/log" || fail "the refusal says $(cat "$work/log")"
ask register "long enough" > /dev/null || fail "nobody can register"
ask login "long enough" > /dev/null || fail "nobody can log in"
inside authscope-server --config /etc/authscope/server.toml users list > "$work/log"
grep -q '^alice' "$work/log" || fail "the control socket answers $(cat "$work/log")"
grep -q '"user":"alice"' "$root/var/log/authscope/audit.jsonl" || fail "the audit stream is empty"
cp captures/in-order.pcap "$root/tmp/"
inside authscope read /tmp/in-order.pcap > "$work/log" || fail "a capture cannot be read"
grep -q alice "$work/log" || fail "of a capture is read $(cat "$work/log")"
inside authscope interfaces > "$work/log" || fail "interfaces cannot be listed"
kill "$server"
wait "$server" || fail "the server ended with $?"
server=

# Without libpcap files are still read, and capturing says what is missing.
inside dpkg --remove --force-depends "$pcap" > "$work/log" 2>&1 || fail "libpcap stays: $(cat "$work/log")"
inside authscope read /tmp/in-order.pcap > "$work/log" || fail "without libpcap a capture cannot be read"
! inside authscope live > "$work/log" 2>&1 || fail "it captures without libpcap"
tr -s ' \n' ' ' < "$work/log" | grep -q "apt install libpcap0.8" || fail "without libpcap live says $(cat "$work/log")"
inside apt-get install -y -q "$pcap" > "$work/log" 2>&1 || fail "libpcap does not come back: $(cat "$work/log")"
rm "$root/tmp/in-order.pcap"

# A configuration that somebody changed outlives the package, and goes with its purge; the users stay.
echo '# changed' >> "$root/etc/authscope/server.toml"
inside apt-get remove -y -q authscope > "$work/log" 2>&1 || fail "cannot be removed: $(cat "$work/log")"
[ ! -e "$root/usr/bin/authscope" ] || fail "the programs stay"
tail -n 1 "$root/etc/authscope/server.toml" | grep -qx '# changed' || fail "the changed configuration is gone"
inside dpkg --purge authscope > "$work/log" 2>&1 || fail "cannot be purged: $(cat "$work/log")"
[ -s "$root/var/lib/authscope/passwd" ] || fail "the users are gone"
left=$(find "$root" -xdev \( -type f -o -type l \) | sort | comm -13 "$work/before" - | grep -i authscope |
    grep -v '/var/lib/authscope/passwd\|/var/lib/apt/\|/var/cache/' || true)
[ -z "$left" ] || fail "these stay: $left"
echo "package-test: $(basename "$deb"): installed, used, removed and purged in $suite"
