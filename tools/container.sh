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
    if [ -n "${in_buildah:-}" ]; then
        [ -z "$process" ] || kill "$process" 2> /dev/null || true
        wait
        buildah rm "$in_buildah" > /dev/null 2>&1 || true
    fi
    "$engine" rm --force "$container" > /dev/null 2>&1 || true
    "$engine" volume rm --force "$volume" > /dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT
mkdir "$work/data"
: > "$work/data/.keep"
cp "$programs/authscope-server" "$work/"
"$engine" build --quiet --tag "$image" --file packaging/Containerfile "$work" > /dev/null || fail "the image cannot be built"

arguments=(--listen 127.0.0.1:0 --passwd /data/passwd)
# An engine's own limits may be more than this process may give.
options=(--network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
# podman needs none of the host's control groups, which are not everywhere as it wants them.
[ "$engine" != podman ] || options+=(--cgroups=disabled)

in_buildah='' process=''
# From the image as the engine's "run" has it: standard error in $work/log, its process in $process.
start() {
    if [ -z "$in_buildah" ]; then
        if "$engine" run --detach --name "$container" "${options[@]}" --volume "$volume:/data" "$image" \
            "${arguments[@]}" > "$work/log" 2>&1; then
            await_address "$engine" logs "$container"
            process=$("$engine" inspect --format '{{.State.Pid}}' "$container")
            return
        fi
        why=$(tail -n 1 "$work/log")
        if [ "$engine" != podman ] || ! command -v buildah > /dev/null; then
            skip "$image is built; $engine cannot run it here: $why"
        fi
        echo "container: podman cannot run it here ($why); buildah does, without namespaces" >&2
        in_buildah=$(buildah from "$image")
        # What a volume's folder would be given.
        mkdir "$work/volume"
        chown 65532:65532 "$work/volume"
    fi
    : > "$work/log"
    # Without namespaces a container's process is a usual one, in a root of its own.
    buildah run --isolation chroot --network host --volume "$work/volume:/data" "$in_buildah" \
        /authscope-server "${arguments[@]}" > "$work/log" 2>&1 &
    process=$!
    await_address cat "$work/log"
    local child
    while child=$(pgrep --parent "$process" | head -n 1) && [ -n "$child" ]; do
        process=$child
    done
}

# await_address COMMAND...: waits until what it prints says where the server listens.
await_address() {
    address=
    for _ in $(seq 200); do
        address=$("$@" 2>&1 | sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' | head -n 1)
        [ -z "$address" ] || return 0
        sleep 0.05
    done
    fail "the server does not start: $("$@" 2>&1)"
}

stop() {
    if [ -n "$in_buildah" ]; then
        kill "$process"
        wait
    else
        "$engine" stop --time 10 "$container" > /dev/null
        "$engine" rm "$container" > /dev/null
    fi
}

ask() { printf 'long enough\n' | "$programs/authscope-client" "$1" alice --server "$address" --password-stdin > "$work/log.client" 2>&1; }
start
ask register || fail "nobody can register: $(cat "$work/log.client")"
user=$(awk '/^Uid:/ { print $2 }' "/proc/$process/status")
[ "$user" = 65532 ] || fail "the server runs as user $user"
stop
start
ask login || fail "the user is gone with the container: $(cat "$work/log.client")"
echo "container: $image ($engine${in_buildah:+, run by buildah}): built, run as user $user, its user outlives it" >&2
