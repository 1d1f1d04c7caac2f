#!/usr/bin/env bash
# Builds the programs for Windows and tries them under wine. Ends all that wine started, in its own prefix only.
set -euo pipefail
cd "$(dirname "$0")/.."

trap 'tools/wine.sh end' EXIT

tools/windows.sh debug
cargo test --test windows "$@"
