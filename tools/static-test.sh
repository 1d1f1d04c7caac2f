#!/usr/bin/env bash
# Tries programs in a root that has nothing in it but them: no library, no shell, no /dev, no /etc. Says so where it cannot:
# that needs root.
#
# Usage: tools/static-test.sh FOLDER
set -euo pipefail

programs=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

fail() {
    echo "static-test: $1" >&2
    exit 1
}
for name in authscope authscope-server authscope-client; do
    [ -x "$programs/$name" ] || fail "$programs/$name is missing"
    ! ldd "$programs/$name" 2> /dev/null | grep -q '=>' || fail "$name needs libraries: $(ldd "$programs/$name")"
done
if [ "$(id -u)" -ne 0 ]; then
    case ",${AUTHSCOPE_REQUIRE:-}," in
        *,all,*) fail "root is required (AUTHSCOPE_REQUIRE)" ;;
    esac
    echo "static-test: SKIPPED: not root" >&2
    exit 0
fi

root=$(mktemp -d)
log=$(mktemp)
server=
clean_up() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    wait
    rm -rf --one-file-system "$root" "$log"
}
trap clean_up EXIT
cp "$programs"/authscope "$programs"/authscope-server "$programs"/authscope-client "$root/"
cp captures/password-guessing.pcap captures/recorded-tls.pcapng "$root/"
mkdir "$root/data"
inside() { env -i PATH="$PATH" chroot "$root" "$@"; }

inside /authscope --version > "$log" || fail "the inspector does not start"
inside /authscope read /password-guessing.pcap --exchanges -T jsonl > "$log" || fail "a capture cannot be read"
[ "$(grep -c 'wrong password' "$log")" = 12 ] || fail "of the capture is read: $(cat "$log")"
inside /authscope read /recorded-tls.pcapng --messages > "$log" || fail "a capture with TLS cannot be read"
grep -q 'Login request' "$log" || fail "TLS is not decrypted: $(head "$log")"
code=0
inside /authscope live > "$log" 2>&1 || code=$?
[ "$code" = 2 ] || fail "live ends with $code: $(cat "$log")"

# The terminal interface, whose terminal is outside: its frames, and its end.
{
    sleep 1
    printf v
    sleep 1
    printf q
    sleep 0.3
    printf q
} | TERM=xterm-256color timeout 20 script --quiet --return --command "stty rows 24 cols 80; chroot $root /authscope tui /password-guessing.pcap" "$log" > /dev/null ||
    fail "the terminal interface ends with $?: $(tail -n 5 "$log")"
grep -aq 'wrong password' "$log" || fail "the terminal interface shows no exchanges"
grep -aq 'Details of frame' "$log" || fail "the terminal interface shows no frames"

# Server and client, plain and by TLS.
inside /authscope-server cert new 127.0.0.1 --cert /data/cert.pem --key /data/key.pem > "$log" 2>&1 || fail "no certificate: $(cat "$log")"
chroot "$root" /authscope-server --passwd /data/passwd --listen 127.0.0.1:0 --tls-cert /data/cert.pem --tls-key /data/key.pem 2> "$log" &
server=$!
address=
for _ in $(seq 200); do
    address=$(sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' "$log" | head -n 1)
    [ -z "$address" ] || break
    kill -0 "$server" 2> /dev/null || fail "the server ended: $(cat "$log")"
    sleep 0.05
done
[ -n "$address" ] || fail "the server does not start: $(cat "$log")"
ask() { printf 'long enough\n' | chroot "$root" /authscope-client "$@" --server "$address" --password-stdin > "$root/answer" 2>&1; }
ask register alice || fail "nobody can register: $(cat "$root/answer")"
ask login alice || fail "nobody can log in: $(cat "$root/answer")"
ask login alice --tls --ca-file /data/cert.pem || fail "nobody can log in by TLS: $(cat "$root/answer")"
kill "$server"
wait "$server" || fail "the server ended with $?"
server=
echo "static-test: the three programs work in a root with nothing else in it"
