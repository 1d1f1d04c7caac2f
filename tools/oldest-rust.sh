#!/usr/bin/env bash
# Checks that the oldest Rust which Cargo.toml names is enough: with that toolchain where rustup has it, else by what the
# dependencies ask for and by clippy's knowledge of when each part of the standard library came.
set -euo pipefail
cd "$(dirname "$0")/.."

oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if command -v rustup > /dev/null && rustup run "$oldest" cargo --version > /dev/null 2>&1; then
    exec rustup run "$oldest" cargo check --all-targets --target-dir target/oldest
fi
echo "oldest-rust: Rust $oldest is not installed (rustup toolchain install $oldest); checking what can be known without it"
asked=$(cargo metadata --format-version 1 | grep -o '"rust_version":"[0-9.]*"' | cut -d'"' -f4 | sort -V | tail -1)
if [ "$(printf '%s\n' "$oldest" "$asked" | sort -V | tail -1)" != "$oldest" ]; then
    echo "oldest-rust: a dependency needs Rust $asked, Cargo.toml names $oldest" >&2
    exit 1
fi
cargo clippy --all-targets -- -D clippy::incompatible_msrv
