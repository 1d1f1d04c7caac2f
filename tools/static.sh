#!/usr/bin/env bash
# Builds the three programs for Linux so that each is one file that needs no other (musl), and tries them. The inspector has
# everything but capturing. Prints the folder that they are in.
#
# Usage: tools/static.sh [PROFILE]; release where none is named
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/release-env.sh
. tools/release-env.sh

target=x86_64-unknown-linux-musl
profile=${1:-release}
folder=${CARGO_TARGET_DIR:-target}/$target/$profile
[ "$profile" != dev ] || folder=${CARGO_TARGET_DIR:-target}/$target/debug
if ! command -v musl-gcc > /dev/null; then
    echo "static: musl-gcc is missing: tools/setup.sh static installs it" >&2
    exit 2
fi
cargo build --quiet --profile "$profile" --target "$target" --no-default-features --features postgres --bins >&2
tools/static-test.sh "$folder" >&2
echo "$folder"
