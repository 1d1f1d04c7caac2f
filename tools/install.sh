#!/usr/bin/env bash
# Installs the programs, which `make build` has built, with man pages, completions, systemd unit and configuration.
# A configuration that is there stays. `make install PREFIX=/usr/local DESTDIR=` calls it.
#
# Usage: tools/install.sh PREFIX [DESTDIR]; the programs are in target/release/, or where AUTHSCOPE_PROGRAMS says.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=$1 root=${2:-}
programs=${AUTHSCOPE_PROGRAMS:-target/release}
for name in authscope authscope-capture authscope-server authscope-client; do
    if [ ! -x "$programs/$name" ]; then
        echo "install: $programs/$name is missing; build it first: make build" >&2
        exit 2
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools/manuals.sh "$programs" "$work/manuals"
sed "s|/usr/bin/|$prefix/bin/|" packaging/authscope-server.service > "$work/unit"

# put MODE FOLDER FILE...: into a folder below PREFIX.
put() {
    local mode=$1 folder=$root$prefix/$2
    shift 2
    install -d "$folder"
    install -m "$mode" "$@" "$folder"
}
put 755 bin "$programs"/authscope "$programs"/authscope-capture "$programs"/authscope-server "$programs"/authscope-client
put 644 share/man/man1 "$work"/manuals/man/*.1
put 644 share/bash-completion/completions "$work"/manuals/bash/*
put 644 share/zsh/site-functions "$work"/manuals/zsh/*
put 644 share/fish/vendor_completions.d "$work"/manuals/fish/*
put 644 share/doc/authscope README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT
install -D -m 644 "$work/unit" "$root$prefix/lib/systemd/system/authscope-server.service"
install -D -m 644 packaging/sysusers.conf "$root$prefix/lib/sysusers.d/authscope.conf"
for file in authscope/server.toml logrotate.d/authscope-server; do
    [ ! -e "$root/etc/$file" ] || continue
    case $file in
        authscope/*) install -D -m 644 packaging/server.toml "$root/etc/$file" ;;
        *) install -D -m 644 packaging/logrotate "$root/etc/$file" ;;
    esac
done

[ -n "$root" ] || cat >&2 <<END
The programs are in $prefix/bin. The server as a service, as a user of its own:
  systemd-sysusers && systemctl daemon-reload && systemctl enable --now authscope-server
END
