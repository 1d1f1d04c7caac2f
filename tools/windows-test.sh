#!/usr/bin/env bash
# Builds the programs for Windows and tries them under wine. Ends all that wine started, in its own prefix only.
set -euo pipefail
cd "$(dirname "$0")/.."

end() {
    local server
    for server in /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver /usr/bin/wineserver; do
        [ -x "$server" ] || continue
        WINEPREFIX="$PWD/target/wine" "$server" -k 2> /dev/null || true
        return
    done
}
trap end EXIT

tools/windows.sh debug
cargo test --test windows "$@"
