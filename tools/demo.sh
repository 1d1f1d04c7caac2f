#!/usr/bin/env bash
# Shows the main path with real parts: a server, a client, a live capture of what passes between
# them, and the lab report's capture next to what Wireshark makes of it. Everything that it starts
# it stops again, also on Ctrl-C; users are kept in a throw-away file.
#
# Usage: tools/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

work=
started=()
# The user's own key log is not the demo's.
unset SSLKEYLOGFILE

stop_all() {
    trap - EXIT INT TERM
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait || true
    [ -z "$work" ] || rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

title() { printf '\n== %s\n\n' "$*"; }

# wait_for PID FILE TEXT: until the file has the text; 1 where the program has ended before.
wait_for() {
    local tries
    for tries in $(seq 200); do
        ! grep -qs "$3" "$2" || return 0
        kill -0 "$1" 2> /dev/null || return 1
        sleep 0.05
    done
    echo "demo: '$3' did not come within 10 seconds (try $tries): $(cat "$2")" >&2
    exit 2
}

# client register|login NAME PASSWORD [OPTION...]: shows the command and the answer; a refusal is
# an answer.
client() {
    local answer=0 said verb=$1 name=$2 password=$3
    shift 3
    printf '\n$ %sauthscope-client %s %s%s\n' "${SSLKEYLOGFILE:+SSLKEYLOGFILE=keys.txt }" "$verb" "$name" "${1:+ $1}"
    said=$(printf '%s\n' "$password" | "$programs/authscope-client" "$verb" "$name" \
        --server "$address" --password-stdin "$@" 2>&1) || answer=$?
    if [ "$answer" -ge 2 ]; then
        printf 'demo: the client failed with exit code %s: %s\n' "$answer" "$said" >&2
        exit 2
    fi
    sleep 0.3 # the rows of this exchange come first
    printf '%s\n' "$said"
}

tools/setup.sh build
title "Building the programs (the first time takes a few minutes)"
cargo build --bins
programs=${CARGO_TARGET_DIR:-target}/debug
work=$(mktemp -d)

title "A server on a free port"
encryption=()
if command -v openssl > /dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -addext basicConstraints=critical,CA:FALSE \
        -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null
    encryption=(--tls-cert "$work/cert.pem" --tls-key "$work/key.pem")
fi
"$programs/authscope-server" --listen 127.0.0.1:0 --passwd "$work/passwd" "${encryption[@]}" \
    2> "$work/server.log" &
started+=($!)
wait_for $! "$work/server.log" 'listening on' || { cat "$work/server.log" >&2; exit 2; }
address=$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' "$work/server.log" | head -n 1)
port=${address##*:}
echo "authscope-server listens on $address"

title "Captured live on loopback while two users register and log in, and two attempts fail"
keys=$work/keys.txt
: > "$keys"
echo "\$ authscope live -p $port --tls-keylog keys.txt"
"$programs/authscope" live -p "$port" --tls-keylog "$keys" -w "$work/demo.pcapng" 2> "$work/live.log" &
live=$!
started+=("$live")
if wait_for "$live" "$work/live.log" 'capturing on'; then
    client register alice 'correct horse'
    client register bob 'battery staple'
    client login alice 'correct horse'
    client login bob 'battery staple'
    client login alice 'wrong horse'
    client register bob 'another staple'
    if [ ${#encryption[@]} -gt 0 ]; then
        # The same login once more where nobody on the way can read it, but who has its secrets.
        echo
        echo "(encrypted now; the client writes the connection's secrets, and the capture reads them)"
        SSLKEYLOGFILE=$keys client login alice 'correct horse' --tls --ca-file "$work/cert.pem"
    else
        echo "(openssl is not installed; with a certificate the demo shows an encrypted login too)"
    fi
    kill -INT "$live"
    wait "$live" || true
    title "What the capture found"
    sed 1d "$work/live.log"
else
    echo
    cat "$work/live.log" >&2
    title "No live capture here, for the reason above; these are saved captures of the same"
    for capture in recorded-success recorded-wrong-password recorded-name-taken; do
        echo "\$ authscope read captures/$capture.pcapng"
        "$programs/authscope" read "captures/$capture.pcapng"
        echo
    done
fi

title "The lab report's capture, as Wireshark sees it"
if command -v tshark > /dev/null; then
    echo '$ tshark -r captures/lab-report.pcap -Y smpp'
    tshark -n -r captures/lab-report.pcap -Y smpp 2> /dev/null
else
    echo "(tshark is not installed; the report shows Bind_receiver [Malformed Packet],"
    echo "Bind_transmitter, Query_sm [Malformed Packet], Submit_sm [Malformed Packet])"
fi

title "The same capture, as Authscope sees it"
echo '$ authscope read -V captures/lab-report.pcap'
"$programs/authscope" read -V captures/lab-report.pcap
