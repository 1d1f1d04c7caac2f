#!/usr/bin/env bash
# Builds the programs for Windows on Linux, with mingw-w64, and lays them out as they are copied.
#
# Usage: tools/windows.sh [release|debug]    builds; release makes target/windows/authscope/ too
#        tools/windows.sh lint               lets clippy look at them
#        tools/windows.sh libraries FILE...  says which libraries each program needs; 1 where Windows lacks one
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=x86_64-pc-windows-gnu
# Of which libpcap the functions are: a build for another system would take this machine's.
export LIBPCAP_VER=${LIBPCAP_VER:-1.9.1}
# What every Windows since 10 has. wpcap.dll is Npcap's; authscope-capture alone needs it.
SYSTEM='^(advapi32|bcrypt|bcryptprimitives|crypt32|gdi32|iphlpapi|kernel32|msvcrt|ncrypt|ntdll|ole32|secur32|shell32|user32|userenv|ws2_32|api-ms-win-[a-z0-9-]*|ucrtbase)\.dll$'

libraries() {
    local file name wrong=0
    for file in "$@"; do
        local needs
        needs=$(x86_64-w64-mingw32-objdump -p "$file" | sed -n 's/^\tDLL Name: //p' | tr '[:upper:]' '[:lower:]' | sort -u)
        echo "$file: ${needs//$'\n'/ }"
        for name in $needs; do
            [[ $name =~ $SYSTEM ]] && continue
            [[ $name = wpcap.dll && $file = *authscope-capture.exe ]] && continue
            echo "windows: $file needs $name, which Windows lacks" >&2
            wrong=1
        done
    done
    return "$wrong"
}

build() {
    local profile=$1 arguments=()
    [ "$profile" != release ] || arguments=(--release)
    cargo build --target "$TARGET" "${arguments[@]}" --bins
    libraries "target/$TARGET/$profile/"authscope*.exe
}

# One folder that is copied or zipped as it is.
lay_out() {
    local folder=target/windows/authscope program
    rm -rf "$folder"
    mkdir -p "$folder/docs" "$folder/captures"
    for program in authscope authscope-capture authscope-server authscope-client; do
        x86_64-w64-mingw32-strip -o "$folder/$program.exe" "target/$TARGET/release/$program.exe"
    done
    cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$folder/"
    cp -r docs/* "$folder/docs/"
    cp captures/lab-report.pcap "$folder/captures/"
    du -sh "$folder" | sed 's/\t/  /'
}

case "${1:-release}" in
    libraries)
        shift
        libraries "$@"
        ;;
    debug) build debug ;;
    lint) cargo clippy --target "$TARGET" --lib --bins -- -D warnings ;;
    release)
        build release
        lay_out
        ;;
    *)
        echo "usage: tools/windows.sh [release|debug] | lint | libraries FILE..." >&2
        exit 2
        ;;
esac
