#!/usr/bin/env bash
# Counts the captures of which a textbook Lua dissector (tools/textbook.lua) in tshark shows other messages than are there.
#
# A capture is counted as wrong where, frame by frame, the commands, user names and statuses that the dissector shows are
# not those of the messages that became whole in the frame, as Authscope has them. What is there is not Authscope's word
# alone: captures/README.md and the .json files beside it say what each capture holds, and tests hold Authscope to that.
#
# Usage: tools/textbook.sh [CAPTURE...]      without one, all of captures/
set -euo pipefail
cd "$(dirname "$0")/.."
authscope=${AUTHSCOPE:-$(command -v authscope || echo target/release/authscope)}
command -v tshark > /dev/null || { echo "textbook: tshark is not installed: sudo apt-get install tshark" >&2; exit 2; }
command -v "$authscope" > /dev/null || { echo "textbook: $authscope is not there: make build" >&2; exit 2; }
[ $# -gt 0 ] || set -- captures/*.pcap*
# A home of its own: the user's plugins and settings stay out of it.
HOME=$(mktemp -d)
export HOME
unset XDG_CONFIG_HOME WIRESHARK_PLUGIN_DIR
trap 'rm -rf "$HOME"' EXIT

# How control characters are written is no matter.
plain() { sed -E 's/\\u\{[0-9a-f]+\}|\\[nrt]|[[:cntrl:]]/?/g'; }

wrong=0
for capture in "$@"; do
    # A damaged capture ends both with an error, after what is before the damage.
    theirs=$(tshark -X lua_script:tools/textbook.lua -r "$capture" -Y textbook.command -T fields -E separator='|' \
        -e frame.number -e textbook.command -e textbook.username -e textbook.status 2> /dev/null | plain || true)
    ours=$("$authscope" read "$capture" -Y reglogin.command -T fields -E separator='|' --show-passwords \
        -e frame.number -e reglogin.command -e reglogin.username -e reglogin.status 2> /dev/null | plain || true)
    if [ "$theirs" = "$ours" ]; then
        echo "right  $capture"
    else
        echo "wrong  $capture"
        wrong=$((wrong + 1))
    fi
done
echo "$wrong of $# captures wrong"
