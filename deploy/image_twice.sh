#!/bin/sh
# Builds the image twice, and compares what every file of the two is: name, kind, mode, owner, time, link and bytes.
# Needs root, to read all of them. Usage: [MODELS=starter|none] [BASE=IMAGE] deploy/image_twice.sh
set -eu
cd "$(dirname "$0")/.."
. deploy/opened.sh
# One time for both, also where somebody commits in between.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 1580601600)}"
export SOURCE_DATE_EPOCH
for turn in first second; do
    IMAGE=localhost/polygist-$turn
    export IMAGE
    sh deploy/image.sh --no-cache
    mkdir "$folder/$turn"
    unpack "$folder/$turn"
    (
        cd "$folder/$turn"
        find . -mindepth 1 -printf '%p %y %m %U:%G %T@ %l\n' | sort >"$folder/$turn.list"
        find . -type f -exec sha256sum {} + | sort -k 2 >>"$folder/$turn.list"
    )
    rm -rf "${folder:?}/$turn"
    if [ "$ENGINE" = buildah ]; then b rmi "$IMAGE"; else "$ENGINE" rmi "$IMAGE"; fi >/dev/null
done
diff "$folder/first.list" "$folder/second.list" || { echo "error: two builds are not the same" >&2; exit 1; }
echo "two builds have the same $(grep -c '^[0-9a-f]\{64\} ' "$folder/first.list") files"
