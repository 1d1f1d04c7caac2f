#!/usr/bin/env bash
# Makes what is passed on, in target/dist/: the Debian package, an archive for Linux that needs nothing else, one for
# Windows, a bill of materials (CycloneDX), and their checksums; then unpacks and tries each. What cannot be made here is
# named.
#
# Usage: tools/dist.sh [PROFILE]; release where none is named. With dev, for a quick try, there is no archive for Windows, and
# the package takes programs that are built already.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/release-env.sh
. tools/release-env.sh

profile=${1:-release}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
dist=target/dist
left_out=()
rm -rf "$dist"
mkdir -p "$dist"
fail() {
    echo "dist: $1" >&2
    exit 1
}
git diff --quiet HEAD || echo "dist: files differ from the commit, which --version says with a +" >&2

# date_all FOLDER: gives every file and folder the commit's time.
date_all() { find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +; }

static=$(tools/static.sh "$profile")
linux=authscope-$version-x86_64-linux-static
mkdir "$dist/$linux"
for program in authscope authscope-server authscope-client; do
    install -m 755 "$static/$program" "$dist/$linux/"
done
install -m 644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$dist/$linux/"
install -D -m 644 -t "$dist/$linux/docs" docs/*.md
date_all "$dist/$linux"
tar --create --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --directory "$dist" "$linux" | gzip --no-name --best > "$dist/$linux.tar.gz"

if [ "$profile" != release ]; then
    left_out+=("the archive for Windows: this is a quick try")
elif [ -x tools/windows.sh ]; then
    tools/windows.sh >&2
    windows=authscope-$version-x86_64-windows
    cp -r target/windows/authscope "$dist/$windows"
    date_all "$dist/$windows"
    archive=$PWD/$dist/$windows.zip
    (cd "$dist" && find "$windows" | sort | zip --quiet -X -@ "$archive")
else
    left_out+=("the archive for Windows: tools/windows.sh is not there")
fi

if command -v dpkg-shlibdeps > /dev/null && cargo deb --version > /dev/null 2>&1; then
    cp "$(tools/package.sh "$profile")" "$dist/"
else
    left_out+=("the Debian package: tools/setup.sh deb installs what it takes")
fi

if cargo cyclonedx --version > /dev/null 2>&1; then
    cargo cyclonedx --quiet --format json --override-filename "authscope-$version.cdx"
    mv "authscope-$version.cdx.json" "$dist/"
    # Neither of these is a fact about the programs: a number drawn at random, and when it was asked.
    python3 tools/sbom.py "$dist/authscope-$version.cdx.json"
else
    left_out+=("the bill of materials: tools/setup.sh dist installs cargo-cyclonedx")
fi

sums=$(cd "$dist" && find . -maxdepth 1 -type f -printf '%P\n' | sort | xargs sha256sum)
echo "$sums" > "$dist/SHA256SUMS"

# As somebody does who has fetched them.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$dist" && sha256sum --check --quiet SHA256SUMS) || fail "the checksums are wrong"
tar --extract --gzip --directory "$work" --file "$dist/$linux.tar.gz"
tools/static-test.sh "$work/$linux" >&2
if [ -n "${windows:-}" ]; then
    unzip -q -d "$work" "$dist/$windows.zip"
    if wine=$(tools/wine.sh start); then
        # Windows' programs are ended before the folder that they are in is removed.
        trap 'tools/wine.sh end; rm -rf "$work"' EXIT
        WINEPREFIX=$PWD/target/wine WINEDEBUG=-all "$wine" "$work/$windows/authscope.exe" \
            read captures/password-guessing.pcap --exchanges > "$work/log" 2>&1 ||
            fail "the inspector for Windows fails: $(tail -n 3 "$work/log")"
        grep -q 'wrong password' "$work/log" || fail "the inspector for Windows says: $(cat "$work/log")"
    else
        left_out+=("trying the archive for Windows: wine is missing")
    fi
fi
for package in "$dist"/*.deb; do
    [ -e "$package" ] || continue
    dpkg-deb --extract "$package" "$work/deb"
    "$work/deb/usr/bin/authscope" read captures/password-guessing.pcap > "$work/log" || fail "the package's inspector fails"
    "$work/deb/usr/bin/authscope-server" --version > /dev/null || fail "the package's server fails"
done
rm -rf "${dist:?}/$linux" "${dist:?}/${windows:-none}"
cat "$dist/SHA256SUMS"
for what in ${left_out[@]+"${left_out[@]}"}; do
    echo "dist: LEFT OUT: $what" >&2
done
