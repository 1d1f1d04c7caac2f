#!/usr/bin/env bash
# Installs what building or testing needs and is not there. Says first what and why. Where it
# cannot install, it says exactly what to install and exits 2.
#
# Usage: tools/setup.sh build|test|scale|bench|deb|windows|static|dist|macos|lint|full
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()

say() { echo "setup: $*" >&2; }

# need PACKAGE REASON: notes a Debian package that is missing.
need() {
    say "$1 is missing: $2"
    packages+=("$1")
}

links_with_libpcap() {
    local dir
    dir=$(mktemp -d)
    echo 'int main(void) { return 0; }' > "$dir/main.c"
    local answer=0
    cc "$dir/main.c" -o "$dir/main" -lpcap 2> /dev/null || answer=1
    rm -rf "$dir"
    return "$answer"
}

check_build() {
    if ! command -v cargo > /dev/null; then
        say "cargo is missing; Authscope is built with Rust. Install it as https://rustup.rs says."
        exit 2
    fi
    if ! command -v cc > /dev/null; then
        need gcc "Rust links with it, and the zstd library is compiled with it"
        need libc6-dev "the C library's headers, for the same"
        need libpcap-dev "live capture links with libpcap"
    elif ! links_with_libpcap; then
        need libpcap-dev "live capture links with libpcap"
    fi
}

check_test() {
    command -v tshark > /dev/null ||
        need tshark "the tests compare what Authscope finds with what tshark finds"
    command -v strace > /dev/null || need strace "the tests let system calls of the server fail with it"
    # Debian puts it where users other than root do not look.
    PATH="$PATH:/usr/sbin" command -v logrotate > /dev/null || need logrotate "the tests rotate the server's log with it"
    command -v systemd-analyze > /dev/null || need systemd "the tests check the server's unit file with it"
    compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || command -v initdb > /dev/null ||
        need postgresql "the tests start databases of their own with it"
    need_service promtool prometheus "the tests check alert rules with its promtool"
    need_service fail2ban-regex fail2ban "the tests try its filter"
    need_service haproxy haproxy "the tests put it before servers"
    PATH="$PATH:/usr/sbin" command -v setcap > /dev/null || need libcap2-bin "the tests give the program that captures its right with it"
    command -v openssl > /dev/null || need openssl "the tests talk TLS to the server with it"
    command -v less > /dev/null || need less "the tests read long output with it"
    command -v curl > /dev/null || need curl "the tests run the commands of the pages, and some have it"
    PATH="$PATH:/usr/sbin" command -v tcpdump > /dev/null || need tcpdump "the same"
    PATH="$PATH:/usr/sbin" command -v ip > /dev/null || need iproute2 "the tests run those commands in a network of their own"
    { has_module construct && has_module pytest; } || python3 -c 'import ensurepip' 2> /dev/null ||
        need python3-venv "the tests install two Python packages with it"
}

# need_service PROGRAM PACKAGE REASON: as need, but not where Debian would start a service of it beside what runs there:
# without it its test is skipped, and says so.
need_service() {
    PATH="$PATH:/usr/sbin" command -v "$1" > /dev/null && return
    if [ -d /run/systemd/system ]; then
        say "$2 is missing: $3; not installed, as it would be started as a service: that test is skipped"
        return
    fi
    need "$2" "$3"
}

# Where the tests look for a Python module: among the project's own tools, then in the system's Python.
has_module() {
    target/tools/bin/python3 -c "import $1" 2> /dev/null || python3 -c "import $1" 2> /dev/null
}

# need_module MODULE PACKAGE REASON: not in every Debian, so from PyPI. Without it one test is skipped, and says so.
need_module() {
    has_module "$1" && return
    say "$1 is missing: $3; installing it into target/tools/"
    python3 -m venv target/tools > /dev/null 2>&1 && target/tools/bin/pip install -q "$2" >&2 && return
    say "cannot install $1: its test is skipped"
}

# The tests look at reports with it. It is large, and without it its tests are skipped, and say so.
install_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" > /dev/null && return
    done
    say "chromium is missing: the tests open reports in it; installing it"
    packages=(chromium)
    (install_packages) || say "cannot install chromium: its tests are skipped"
}

# What `make deb` and the test of the package take.
check_deb() {
    command -v dpkg-shlibdeps > /dev/null || need dpkg-dev "it finds what the package depends on"
    command -v mmdebstrap > /dev/null || need mmdebstrap "the package is tried in a Debian that it makes"
}

# What `make windows` and `make test-windows` take.
check_windows() {
    command -v x86_64-w64-mingw32-gcc > /dev/null || need gcc-mingw-w64-x86-64 "programs for Windows are linked with it"
    command -v x86_64-w64-mingw32-dlltool > /dev/null || need binutils-mingw-w64-x86-64 "it makes the import library of Npcap"
    [ -x /usr/lib/wine/wine64 ] || command -v wine64 > /dev/null || command -v wine > /dev/null ||
        need wine64 "programs for Windows are tried with it"
    command -v tshark > /dev/null || need tshark "it opens what they save"
}

# install_target TARGET: Rust's standard library for another system, which rustup has; another Rust brings its own or none.
install_target() {
    local target=$1
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] && return
    say "Rust's standard library for $target is missing; installing it with rustup"
    if ! command -v rustup > /dev/null; then
        say "cannot install it: there is no rustup here. Install what your Rust has for $target, or rustup (https://rustup.rs)"
        exit 2
    fi
    if ! rustup target add "$target" >&2; then
        say "cannot install it; see above. By hand: rustup target add $target"
        exit 2
    fi
}

# What `make static` takes: a C compiler that links with musl, and Rust's standard library for it.
check_static() {
    command -v musl-gcc > /dev/null || need musl-tools "it compiles the C of dependencies for musl"
    command -v script > /dev/null || need bsdutils "the terminal interface is tried in its terminal"
}

# What `make dist` takes beside that.
check_dist() {
    command -v zip > /dev/null || need zip "the archive for Windows is made with it"
    command -v unzip > /dev/null || need unzip "and tried with it"
}

# Zig compiles C for macOS, and cargo-zigbuild lets cargo use it. Both are programs in packages from PyPI.
install_zig() {
    command -v cargo-zigbuild > /dev/null || [ -x target/tools/bin/cargo-zigbuild ] && return
    say "cargo-zigbuild is missing: it checks the programs for macOS; installing it into target/tools/"
    python3 -m venv target/tools > /dev/null 2>&1 && target/tools/bin/pip install -q ziglang cargo-zigbuild >&2 && return
    say "cannot install it: the check for macOS is skipped"
}

check_scale() {
    command -v java > /dev/null || need default-jre-headless "Spark runs on Java"
    python3 -c 'import ensurepip' 2> /dev/null || need python3-venv "DuckDB and Spark are installed with it"
}

# Not in Debian: from PyPI, into a folder of their own as they are large.
install_scale() {
    target/scale/bin/duckdb --version > /dev/null 2>&1 && target/scale/bin/python3 -c 'import pyspark' 2> /dev/null && return
    say "DuckDB and Spark are missing: the recipes of docs/at-scale.md use them; installing them into target/scale/ (500 MB)"
    python3 -m venv target/scale >&2 && target/scale/bin/pip install -q duckdb-cli==1.5.6 pyspark==4.3.0 >&2 && return
    say "cannot install them; see above. By hand: target/scale/bin/pip install duckdb-cli pyspark"
    exit 2
}

# What .ci/run checks with beside the tests.
check_lint() {
    command -v shellcheck > /dev/null || need shellcheck "it checks the shell scripts"
    command -v c++ > /dev/null || need g++ "the fuzzer's library is compiled with it"
}

# typos is not in Debian: a ready-made program from PyPI where Python can, else built.
install_typos() {
    command -v typos > /dev/null || [ -x target/tools/bin/typos ] && return
    say "typos is missing: it checks the spelling; installing it into target/tools/"
    python3 -m venv target/tools > /dev/null 2>&1 && target/tools/bin/pip install -q typos >&2 && return
    cargo install --quiet --locked --root target/tools typos-cli
}

# Helpers of cargo's: they are installed beside cargo, as one would by hand.
install_cargo_tools() {
    local tool
    for tool in "$@"; do
        cargo "${tool#cargo-}" --version > /dev/null 2>&1 && continue
        say "$tool is missing; installing it with cargo install"
        cargo install --quiet --locked "$tool"
    done
}

check_bench() {
    command -v hyperfine > /dev/null || need hyperfine "it measures the times"
    [ -x /usr/bin/time ] || need time "it measures peak memory"
    command -v tcpdump > /dev/null || need tcpdump "a peer that is measured too"
    command -v tshark > /dev/null || need tshark "a peer that is measured too"
    command -v ngrep > /dev/null || need ngrep "a peer that is measured too"
    command -v tcpflow > /dev/null || need tcpflow "a peer that is measured too"
}

install_packages() {
    [ "${#packages[@]}" -gt 0 ] || return 0
    local list="${packages[*]}"
    if ! command -v apt-get > /dev/null; then
        say "cannot install for you: there is no apt-get here. Install what stands for these Debian packages: $list"
        say "  Fedora: sudo dnf install gcc libpcap-devel wireshark-cli"
        say "  Arch:   sudo pacman -S gcc libpcap wireshark-cli"
        say "  macOS:  xcode-select --install (libpcap is in it); brew install wireshark"
        exit 2
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo > /dev/null; then
            say "cannot install for you: not root, and there is no sudo. As root: apt-get install $list"
            exit 2
        fi
        as_root=(sudo)
    fi
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install -y -q --no-install-recommends "${packages[@]}")
    say "installing with apt-get: $list"
    # Package lists may be old or not there at all: try with fresh ones before giving up.
    if ! "${install[@]}" > /dev/null 2>&1; then
        "${as_root[@]}" apt-get update -q >&2 || true
        if ! "${install[@]}" >&2; then
            say "cannot install $list; see above. By hand: sudo apt-get install $list"
            exit 2
        fi
    fi
}

case "${1:-}" in
    build) check_build ;;
    test)
        check_build
        check_test
        ;;
    scale)
        check_build
        check_scale
        ;;
    bench)
        check_build
        check_bench
        ;;
    deb)
        check_build
        check_deb
        ;;
    windows)
        check_build
        check_windows
        ;;
    static)
        check_build
        check_static
        ;;
    dist)
        check_build
        check_deb
        check_static
        check_windows
        check_dist
        ;;
    macos) check_build ;;
    lint)
        check_build
        check_lint
        ;;
    full)
        check_build
        check_lint
        check_deb
        check_static
        ;;
    *)
        echo "usage: tools/setup.sh build|test|scale|bench|deb|windows|static|dist|macos|lint|full" >&2
        exit 2
        ;;
esac
install_packages
case "$1" in
    test)
        need_module construct construct==2.10.70 "the tests compare what layout files say with what it says"
        need_module pytest pytest "the tests run examples/as-tests with it"
        install_chromium
        ;;
    scale) install_scale ;;
    lint) install_typos ;;
    full)
        install_typos
        install_cargo_tools cargo-fuzz cargo-llvm-cov cargo-deny cargo-deb
        rustup component add llvm-tools >&2
        install_target x86_64-unknown-linux-musl
        install_target aarch64-apple-darwin
        install_zig
        ;;
    deb) install_cargo_tools cargo-deb ;;
    windows) install_target x86_64-pc-windows-gnu ;;
    static) install_target x86_64-unknown-linux-musl ;;
    dist)
        install_target x86_64-unknown-linux-musl
        install_target x86_64-pc-windows-gnu
        install_cargo_tools cargo-deb cargo-cyclonedx
        ;;
    macos)
        install_target aarch64-apple-darwin
        install_zig
        ;;
esac
