# shellcheck shell=bash
# Sourced by .ci/run and .ci/full: runs named steps, remembers which failed and how long each took.

step_times=()
step_failures=0

# step NAME COMMAND...: runs the command; its failure is told at the end.
step() {
    local name=$1 start=$SECONDS code=0
    shift
    echo "== $name: $*"
    "$@" || code=$?
    local word=ok
    if [ "$code" -ne 0 ]; then
        word="FAILED ($code)"
        step_failures=$((step_failures + 1))
    fi
    step_times+=("$(printf '%5d s  %-24s %s' $((SECONDS - start)) "$name" "$word")")
}

# skipped NAME WHY: a step that cannot be run here; the end tells.
skipped() {
    echo "== $1: SKIPPED: $2"
    step_times+=("$(printf '%7s  %-24s %s' "" "$1" "SKIPPED: $2")")
}

# finish: prints the times, and ends the script with 1 where a step failed.
finish() {
    echo
    printf '%s\n' "${step_times[@]}"
    [ "$step_failures" -eq 0 ]
    exit
}
