#!/usr/bin/env bash
# Runs all tests, then lists what was skipped and counts what passed.
#
# Usage: tools/test.sh [ARGUMENT FOR cargo test...]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/tmp
mkdir -p "$folder"
log="$folder/test.log"
skipped="$folder/skipped"
rm -f "$skipped"

code=0
"${CARGO:-cargo}" test --no-fail-fast "$@" 2>&1 | tee "$log" || code=$?

count() { sed -n "s/^test result: .* \([0-9]*\) $1.*/\1/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }'; }
if [ -s "$skipped" ]; then
    echo
    sort -u "$skipped"
fi
echo
echo "$(count passed) passed, $(count failed) failed, $(sort -u "$skipped" 2> /dev/null | wc -l) skipped"
exit "$code"
