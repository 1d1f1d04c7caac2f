#!/usr/bin/env bash
# Makes the Debian package with cargo-deb, and prints its path: target/debian/authscope_VERSION_ARCH.deb.
#
# Usage: tools/package.sh [PROFILE]; release where none is named. Of another profile, programs that are built already are taken.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/release-env.sh
. tools/release-env.sh

if ! cargo deb --version > /dev/null 2>&1; then
    echo "package: cargo-deb is missing. Install it: cargo install --locked cargo-deb" >&2
    exit 2
fi
if ! command -v dpkg-shlibdeps > /dev/null; then
    echo "package: dpkg-shlibdeps is missing. Install it: apt-get install dpkg-dev" >&2
    exit 2
fi
profile=${1:-release} folder=target/release
if [ "$profile" = release ]; then
    cargo build --release --bins
else
    folder=target/debug
fi
tools/manuals.sh "$folder" target/manuals
cargo deb --quiet --no-build --profile "$profile"
