#!/bin/sh
# Runs the built image as its own configuration says: on a read-only copy, as its user, with loopback as the only network.
# Needs root, for chroot and namespaces. Usage: [IMAGE=NAME] deploy/image_test.sh
set -eu
cd "$(dirname "$0")/.."
. deploy/opened.sh
mkdir "$folder/root"
chmod 755 "$folder" "$folder/root"
unpack "$folder/root"
echo "$IMAGE: $(du --summarize --apparent-size --block-size=1000000 "$folder/root" | cut -f 1) MB"
unshare --mount --net python3 deploy/image_test.py "$folder/root" "$folder/root.json"
