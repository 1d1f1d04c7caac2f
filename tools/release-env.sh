# shellcheck shell=bash
# Sourced by what builds programs to pass on: two builds of one commit are the same, in whatever folder they are made.

# One script may call another: flags are given once, as others would have everything built anew.
[ -z "${AUTHSCOPE_RELEASE:-}" ] || return 0
export AUTHSCOPE_RELEASE=1

# The commit's time stands for the time of the build (https://reproducible-builds.org/docs/source-date-epoch/).
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
# Neither the folder of the sources nor that of the dependencies is named in a program.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=$cargo_home=cargo"
# The same for what is C in dependencies (zstd, ring). Cargo's target folder may be elsewhere.
CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=. -ffile-prefix-map=$cargo_home=cargo"
if [ -n "${CARGO_TARGET_DIR:-}" ]; then
    RUSTFLAGS+=" --remap-path-prefix=$CARGO_TARGET_DIR=target"
    CFLAGS+=" -ffile-prefix-map=$CARGO_TARGET_DIR=target"
fi
# Names of functions stay, for backtraces; lines of sources would be three quarters of each program.
CARGO_PROFILE_RELEASE_STRIP=debuginfo
CARGO_INCREMENTAL=0
TZ=UTC
LC_ALL=C
export SOURCE_DATE_EPOCH RUSTFLAGS CFLAGS CARGO_PROFILE_RELEASE_STRIP CARGO_INCREMENTAL TZ LC_ALL
