#!/usr/bin/env bash
# Builds the static programs of this commit twice, in two folders of different names, and says which files differ.
#
# Usage: tools/dist-twice.sh [PROFILE]; release where none is named, dev for a quick look
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/authscope-twice.XXXXXX")
trap 'rm -rf "$work"' EXIT
for name in one another-folder; do
    git clone --quiet --shared . "$work/$name"
    folder=$(CARGO_TARGET_DIR="$work/built-$name" "$work/$name/tools/static.sh" "${1:-release}")
    mkdir "$work/programs-$name"
    cp "$folder"/authscope "$folder"/authscope-server "$folder"/authscope-client "$work/programs-$name/"
    # Two builds at once would fill a small disk.
    rm -rf "$work/built-$name"
done
if ! diff --recursive "$work/programs-one" "$work/programs-another-folder"; then
    echo "dist-twice: the builds differ" >&2
    exit 1
fi
(cd "$work/programs-one" && sha256sum -- *)
echo "dist-twice: both builds are the same, byte for byte" >&2
