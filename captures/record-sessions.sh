#!/usr/bin/env bash
# Records the real server and the real client at work, with `authscope live -w`, on port 8888 of a
# network namespace of their own.
#
# Usage: sudo captures/record-sessions.sh [FOLDER OF THE PROGRAMS]    (default: target/debug)
# Needs the built programs, Linux, root and openssl.
set -euo pipefail
cd "$(dirname "$0")"
programs=$(realpath "${1:-../target/debug}")

if [ "${INSIDE:-}" != yes ]; then
    INSIDE=yes exec unshare --net "./${0##*/}" "$programs"
fi

ip link set lo up
work=$(mktemp -d)
started=()
# Options of server and client for an encrypted connection.
serve=()
connect=()
stop() {
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait
    rm -rf "$work"
}
trap stop EXIT

# wait_for FILE TEXT
wait_for() {
    local tries=0
    until grep -qs "$2" "$1"; do
        if [ $((tries += 1)) -gt 100 ]; then
            echo "record-sessions: '$2' did not come:" >&2
            cat "$1" >&2
            exit 2
        fi
        sleep 0.1
    done
}

# client register|login NAME PASSWORD; a refusal is an answer like any other.
client() {
    local answer=0
    printf '%s\n' "$3" | timeout 30 "$programs/authscope-client" "$1" "$2" --server "$address" \
        --password-stdin "${connect[@]}" > /dev/null 2>&1 || answer=$?
    [ "$answer" -lt 2 ]
}

# record FILE ADDRESS SCENE: the scene against a fresh server.
record() {
    local file=$1 scene=$3
    address=$2
    rm -f "$work"/passwd "$work"/*.log
    "$programs/authscope-server" --listen "$address" --passwd "$work/passwd" "${serve[@]}" 2> "$work/server.log" &
    local server=$!
    "$programs/authscope" live --quiet -w "$file" 2> "$work/live.log" &
    local capture=$!
    started+=("$server" "$capture")
    wait_for "$work/server.log" 'listening on'
    wait_for "$work/live.log" 'capturing on'
    "$scene"
    kill -TERM "$server"
    wait "$server"
    sleep 0.3 # the last frames reach the file
    kill -INT "$capture"
    wait "$capture"
}

success() {
    client register alice 'correct horse'
    client login alice 'correct horse'
}

name_taken() {
    client register alice 'correct horse'
    client register alice 'another horse'
}

wrong_password() {
    client register alice 'correct horse'
    client login alice 'wrong horse'
}

unknown_user() { client login nobody 'any horse'; }

several_users() {
    local pids=() name
    for name in alice bob carol dave erin frank grace heidi; do
        { client register "$name" "password of $name" && client login "$name" "password of $name"; } &
        pids+=($!)
    done
    wait "${pids[@]}"
}

record recorded-success.pcapng 127.0.0.1:8888 success
record recorded-name-taken.pcapng 127.0.0.1:8888 name_taken
record recorded-wrong-password.pcapng 127.0.0.1:8888 wrong_password
record recorded-unknown-user.pcapng 127.0.0.1:8888 unknown_user
record recorded-ipv6.pcapng '[::1]:8888' success
record recorded-several-users.pcapng 127.0.0.1:8888 several_users

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null
serve=(--tls-cert "$work/cert.pem" --tls-key "$work/key.pem")
connect=(--tls --ca-file "$work/cert.pem")
export SSLKEYLOGFILE=$work/keys
record "$work/tls.pcapng" 127.0.0.1:8888 success
unset SSLKEYLOGFILE
"$programs/authscope" read "$work/tls.pcapng" --tls-keylog "$work/keys" --only tcp --embed-keys -q -w recorded-tls.pcapng
