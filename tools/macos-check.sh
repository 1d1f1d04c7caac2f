#!/usr/bin/env bash
# Checks the types of all programs for macOS, live capture included. C in dependencies is compiled by Zig
# (cargo-zigbuild and ziglang, both from PyPI), as Apple's compiler runs on Macs only. Says so where these are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH="$PWD/target/tools/bin:$PATH"
target=aarch64-apple-darwin
skip() {
    case ",${AUTHSCOPE_REQUIRE:-}," in
        *,-zig,*) ;;
        *,all,* | *,zig,*)
            echo "macos-check: zig is required (AUTHSCOPE_REQUIRE): $1" >&2
            exit 1
            ;;
    esac
    echo "macos-check: SKIPPED: $1" >&2
    exit 0
}
command -v cargo-zigbuild > /dev/null || skip "cargo-zigbuild is missing: tools/setup.sh macos installs it"
rustup target list --installed 2> /dev/null | grep -qx "$target" || skip "rustup target add $target"
cargo-zigbuild check --quiet --target "$target" --lib --bins
echo "macos-check: all programs are sound for $target, as far as types tell; none was run"
