# Read by the scripts that look at all files of an image, as root; $folder is for them, and is removed at their end.
[ "$(id -u)" = 0 ] || { echo "error: to read all files of an image needs root: sudo sh $0" >&2; exit 1; }
. deploy/engine.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
