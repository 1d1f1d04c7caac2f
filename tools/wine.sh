#!/usr/bin/env bash
# The wine that programs for Windows are tried with, in a prefix of its own: target/wine.
#
# Usage: tools/wine.sh start    makes the prefix where there is none, starts wine's server, prints the path of wine
#        tools/wine.sh end      ends all that runs in the prefix
set -euo pipefail
cd "$(dirname "$0")/.."

export WINEPREFIX=$PWD/target/wine WINEDEBUG=-all
unset DISPLAY

# first FILE...: the first of these that is there.
first() {
    local file
    for file in "$@"; do
        if [ -x "$file" ]; then
            echo "$file"
            return
        fi
    done
    echo "wine: none of these is there: $*; tools/setup.sh windows installs wine" >&2
    return 1
}

# Debian's `wine` is a script that looks for 32 bits too, and says on standard error that there are none.
wine=$(first /usr/lib/wine/wine64 /usr/bin/wine64 /usr/bin/wine)
server=$(first /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver /usr/bin/wineserver)

start() {
    mkdir -p "$WINEPREFIX"
    # A program that finds no server starts one, which keeps that program's standard error, and writes into it when it ends.
    # This one ends a minute after the last program has; where there is one already, it says so and ends with 2.
    "$server" -p60 < /dev/null > /dev/null 2>&1 || [ $? -eq 2 ]
    # Wine's services go on after it, and would hold a pipe until they end.
    "$wine" wineboot --init < /dev/null > /dev/null 2>&1 || true
    local system=$WINEPREFIX/drive_c/windows/system32
    if [ ! -d "$system" ]; then
        echo "wine: $wine makes no prefix in $WINEPREFIX" >&2
        return 1
    fi
    # Wine 8 lacks this library, which Rust's standard library takes random bytes from; wine 9 has it.
    if [ ! -f "$system/bcryptprimitives.dll" ]; then
        x86_64-w64-mingw32-gcc -O2 -shared -o "$system/bcryptprimitives.dll" tests/windows/bcryptprimitives.c -ladvapi32
    fi
    echo "$wine"
}

case "${1:-}" in
    start) start ;;
    end) "$server" -k 2> /dev/null || true ;;
    *)
        echo "usage: tools/wine.sh start|end" >&2
        exit 2
        ;;
esac
