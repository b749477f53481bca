#!/bin/sh
# Summarises every .txt file of a folder and translates the summaries; run again, it does only what is new.
#
#     sh examples/shell.sh FOLDER [HOST:PORT]
set -eu

if [ $# -lt 1 ]; then
    echo "usage: sh examples/shell.sh FOLDER [HOST:PORT]" >&2
    exit 2
fi
folder=$1
POLYGIST_ADDRESS=${2:-${POLYGIST_ADDRESS:-localhost:50051}}
export POLYGIST_ADDRESS

polygist health --wait 60s >&2
mkdir -p "$folder/summaries"
for article in "$folder"/*.txt; do
    summary=$folder/summaries/$(basename "$article" .txt)
    [ -e "$summary.pt.txt" ] && continue
    # -o writes the file whole or not at all, so a run that was stopped leaves no half of one.
    polygist summarise "$article" --max-sentences 2 -o "$summary.en.txt"
    polygist translate "$summary.en.txt" --from en --to pt -o "$summary.pt.txt"
done
for summary in "$folder"/summaries/*.pt.txt; do
    printf '%s: %s\n' "$(basename "$summary" .pt.txt)" "$(cat "$summary")"
done
