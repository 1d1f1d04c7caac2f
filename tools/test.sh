#!/usr/bin/env bash
# Runs all tests, then lists what was skipped and counts what passed. The tests of the server wait more than they work,
# those of the inspector work: they run side by side.
#
# Usage: tools/test.sh [ARGUMENT FOR cargo test...]
set -euo pipefail
cd "$(dirname "$0")/.."

# Under nohup programs ignore SIGHUP, which tests send: bit 0 of the signals that are ignored.
if ignored=$(awk '/^SigIgn/ { print $2 }' /proc/self/status 2> /dev/null) && ((0x${ignored:-0} & 1)); then
    exec env --default-signal=HUP tools/test.sh "$@"
fi

cargo=${CARGO:-cargo}
folder=$("$cargo" metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/tmp
mkdir -p "$folder"
log="$folder/test.log"
beside="$folder/test-service.log"
skipped="$folder/skipped"
rm -f "$skipped" "$beside"

code=0
if [ $# -gt 0 ]; then
    "$cargo" test --no-fail-fast "$@" 2>&1 | tee "$log" || code=$?
else
    "$cargo" test --no-run
    # A group of its own, so that an interruption ends all of it.
    setsid "$cargo" test --test service > "$beside" 2>&1 &
    service=$!
    trap 'kill -- "-$service" 2> /dev/null || true' EXIT
    "$cargo" test --no-fail-fast --lib --bins --examples --test inspector 2>&1 | tee "$log" || code=$?
    wait "$service" || code=$?
    trap - EXIT
    tee -a "$log" < "$beside"
    "$cargo" test --doc 2>&1 | tee -a "$log" || code=$?
fi

count() { sed -n "s/^test result: .* \([0-9]*\) $1.*/\1/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }'; }
if [ -s "$skipped" ]; then
    echo
    sort -u "$skipped"
fi
echo
echo "$(count passed) passed, $(count failed) failed, $(sort -u "$skipped" 2> /dev/null | wc -l) skipped"
exit "$code"
