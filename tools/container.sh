#!/usr/bin/env bash
# Builds an image of the static server and, where the engine can run it, tries it: a user outlives the container, root is
# nobody there. Says so where there is no container engine (podman or docker).
#
# Usage: tools/container.sh [PROFILE]; release where none is named. AUTHSCOPE_PROGRAMS names a folder with static programs that are
# built already.
set -euo pipefail
cd "$(dirname "$0")/.."

image=authscope-server:$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
skip() {
    echo "container: SKIPPED: $1" >&2
    exit 0
}
fail() {
    echo "container: $1" >&2
    exit 1
}
engine=
for name in podman docker; do
    if command -v "$name" > /dev/null && "$name" info > /dev/null 2>&1; then
        engine=$name
        break
    fi
done
[ -n "$engine" ] || skip "neither podman nor docker runs here; packaging/Containerfile was not tried"

programs=${AUTHSCOPE_PROGRAMS:-$(tools/static.sh "${1:-release}")}
work=$(mktemp -d)
container=authscope-try-$$ volume=authscope-try-$$
clean_up() {
    "$engine" rm --force "$container" > /dev/null 2>&1 || true
    "$engine" volume rm --force "$volume" > /dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT
mkdir "$work/data"
: > "$work/data/.keep"
cp "$programs/authscope-server" "$work/"
"$engine" build --quiet --tag "$image" --file packaging/Containerfile "$work" > /dev/null || fail "the image cannot be built"

# An engine's own limits may be more than this process may give.
options=(--network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
# podman needs none of the host's control groups, which are not everywhere as it wants them.
[ "$engine" != podman ] || options+=(--cgroups=disabled)

start() {
    "$engine" run --detach --name "$container" "${options[@]}" --volume "$volume:/data" "$image" \
        --listen 127.0.0.1:0 --passwd /data/passwd > "$work/log" 2>&1 ||
        skip "$image is built; $engine cannot run it here: $(tail -n 1 "$work/log")"
    address=
    for _ in $(seq 200); do
        address=$("$engine" logs "$container" 2>&1 | sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' | head -n 1)
        [ -z "$address" ] || return 0
        sleep 0.05
    done
    fail "the server does not start: $("$engine" logs "$container" 2>&1)"
}
ask() { printf 'long enough\n' | "$programs/authscope-client" "$1" alice --server "$address" --password-stdin > "$work/log" 2>&1; }
start
ask register || fail "nobody can register: $(cat "$work/log")"
process=$("$engine" inspect --format '{{.State.Pid}}' "$container")
user=$(awk '/^Uid:/ { print $2 }' "/proc/$process/status")
[ "$user" != 0 ] || fail "the server runs as root"
"$engine" stop --time 10 "$container" > /dev/null
"$engine" rm "$container" > /dev/null
start
ask login || fail "the user is gone with the container: $(cat "$work/log")"
echo "container: $image ($engine): built, run as user $user, its user outlives it" >&2
