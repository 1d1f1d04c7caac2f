#!/usr/bin/env bash
# Checks licences, sources and versions of the dependencies (deny.toml), and advisories where their database can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version > /dev/null 2>&1; then
    echo "deny: cargo-deny is missing. Install it: cargo install --locked cargo-deny" >&2
    exit 2
fi
cargo deny check licenses bans sources
if ! cargo deny fetch db > /dev/null 2>&1; then
    echo "deny: SKIPPED the advisories: their database cannot be fetched from here"
    exit 0
fi
cargo deny check advisories
