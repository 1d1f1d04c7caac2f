#!/usr/bin/env bash
# Runs every fuzz target for a minute (FUZZ_SECONDS says otherwise), from the stored captures, from
# fuzz/seeds/ and from what earlier runs kept in fuzz/corpus/. Stops with the fuzzer's exit code at a finding.
#
# Usage: tools/fuzz.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo fuzz --version > /dev/null 2>&1; then
    echo "fuzz: cargo-fuzz is missing. Install it: cargo install --locked cargo-fuzz" >&2
    exit 2
fi
# Coverage feedback needs compiler flags that a stable toolchain keeps locked; our own code has no
# unsafe block for an address sanitizer to watch.
export RUSTC_BOOTSTRAP=1
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
fi
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    echo "fuzz: $target for ${FUZZ_SECONDS:-60} seconds" >&2
    # The first folder is written to, the others are read.
    folders=("fuzz/corpus/$target" captures)
    [ -d "fuzz/seeds/$target" ] && folders+=("fuzz/seeds/$target")
    cargo fuzz run --sanitizer none "$target" "${folders[@]}" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -rss_limit_mb=1024 -print_final_stats=1
done
