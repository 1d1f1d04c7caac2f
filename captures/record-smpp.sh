#!/usr/bin/env bash
# Records real SMPP traffic: the npm package smpp as server and client, the PyPI package smpplib as
# a second client, on ports 2775 and 8888, with tcpdump. Versions are pinned in captures/record/.
#
# Usage: sudo captures/record-smpp.sh
# Needs node, npm, python3, tcpdump and, for a network namespace of its own (which keeps everybody
# else's traffic out and the ports free), Linux and root.
set -euo pipefail
cd "$(dirname "$0")"

if [ "${1:-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp record/* "$work"
    (cd "$work" && npm ci --silent)
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --requirement "$work/requirements.txt"
    WORK=$work unshare --net "./${0##*/}" inside
    exit
fi

ip link set lo up
started=()
stop() { for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; }
trap stop EXIT

# record FILE PORT OUTBIND PROGRAM...: what passes on PORT while the program talks to a server there.
record() {
    local file=$1 port=$2 outbind=$3
    shift 3
    rm -f "$WORK"/*.log
    node "$WORK/smpp-server.js" "$port" "$outbind" > "$WORK/server.log" &
    local server=$!
    tcpdump -i lo --immediate-mode -B 32768 -U -Z root -w "$file" "tcp port $port" 2> "$WORK/tcpdump.log" &
    local capture=$!
    started+=("$server" "$capture")
    local tries=0
    until grep -qs listening "$WORK/server.log" && grep -qs "listening on" "$WORK/tcpdump.log"; do
        if [ $((tries += 1)) -gt 100 ]; then
            echo "record-smpp: server or tcpdump did not start:" >&2
            cat "$WORK/server.log" "$WORK/tcpdump.log" >&2
            exit 2
        fi
        sleep 0.1
    done
    timeout 60 "$@" "$port"
    sleep 0.5 # the last frames reach tcpdump
    kill -INT "$capture"
    kill "$server"
    wait "$capture" "$server" || true
    tail -n 3 "$WORK/tcpdump.log" | head -n 1
}

record recorded-smpp-port-2775.pcap 2775 outbind node "$WORK/smpp-client.js"
record recorded-smpp-port-8888.pcap 8888 outbind node "$WORK/smpp-client.js"
record recorded-smpp-python-port-8888.pcap 8888 no-outbind "$WORK/venv/bin/python" "$WORK/smpp-client.py"
