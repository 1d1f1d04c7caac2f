#!/usr/bin/env bash
# Lets the programs write their man pages and their completions for bash, zsh and fish into a folder.
#
# Usage: tools/manuals.sh PROGRAMS FOLDER
set -euo pipefail

programs=$1 folder=$2
rm -rf "$folder"
mkdir -p "$folder"/{man,bash,zsh,fish}
for name in authscope authscope-server authscope-client; do
    "$programs/$name" man "$folder/man"
    "$programs/$name" completions bash > "$folder/bash/$name"
    "$programs/$name" completions zsh > "$folder/zsh/_$name"
    "$programs/$name" completions fish > "$folder/fish/$name.fish"
done
# What authscope goes on as has no command line of its own.
echo '.so man1/authscope-live.1' > "$folder/man/authscope-capture.1"
