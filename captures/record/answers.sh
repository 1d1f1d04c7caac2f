#!/usr/bin/env bash
# Writes captures/recorded.json, the right answers of the recorded captures, from what tshark sees:
# frames, streams, and each segment's octets. It holds for recordings in which every message has a
# segment of its own, which it checks; look at the result before it is committed.
#
# Usage: captures/record/answers.sh
set -euo pipefail
cd "$(dirname "$0")/.."

answer() {
    local file=$1 octets=tcp.payload
    # With its secrets in the file, what is inside TLS is data to tshark.
    case $file in *tls*) octets=data.data ;; esac
    tshark -n -r "$file" -d tls.port==8888,data -T fields -E separator=, \
        -e frame.number -e tcp.stream -e "$octets" 2> /dev/null |
        awk -F, -v file="$file" -v smpp="$(expr "$file" : '.*smpp' || true)" '
        function fail(why) { print "answers: " file ": frame " $1 ": " why > "/dev/stderr"; exit 2 }
        BEGIN {
            type["3a00000001"] = "\"client\",\"stream\":%d,\"type\":\"registration request\""
            type["4900000002"] = "\"server\",\"stream\":%d,\"type\":\"registration response\""
            type["3a00000003"] = "\"client\",\"stream\":%d,\"type\":\"login request\""
            type["4900000004"] = "\"server\",\"stream\":%d,\"type\":\"login response\""
            streams = 0
        }
        {
            if ($2 + 1 > streams) streams = $2 + 1
            octets = length($3) / 2
            if (octets == 0 || smpp > 0) next
            header = substr($3, 7, 10)
            if (!(header in type) || (octets != 58 && octets != 73)) fail("not one whole message")
            line = sprintf("      {\"frame\":%d,\"from\":" type[header] "}", $1, $2)
            messages = messages (messages ? ",\n" : "\n") line
        }
        END {
            if (smpp > 0)
                for (stream = 0; stream < streams; stream++)
                    others = others (others ? "," : "") "\"" stream "\":\"SMPP\""
            printf "  \"%s\": {\n", file
            printf "    \"frames\": %d, \"streams\": %d, \"damaged\": false, ", NR, streams
            printf "\"tshark_frames\": %d, \"others\": {%s},\n", NR, others
            printf "    \"messages\": [%s]\n  }", messages
        }'
}

{
    echo '{'
    separator=
    for file in recorded-*.pcap*; do
        printf '%s' "$separator"
        answer "$file"
        separator=$',\n'
    done
    printf '\n}\n'
} > recorded.json
