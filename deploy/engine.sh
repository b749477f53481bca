# Read by the other scripts: finds what builds and inspects images here, as $ENGINE; the image's name is $IMAGE.
: "${IMAGE:=localhost/polygist}"

# need COMMAND...: install Debian's packages of these commands, or say how.
need() {
    for command; do
        command -v "$command" >/dev/null && continue
        echo "installing $command" >&2
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$command"; } >/dev/null || {
            echo "error: $command is missing; on Debian, as root: apt-get install $command" >&2
            exit 1
        }
    done
}

# b ARGUMENTS...: buildah on the driver that needs no kernel support.
b() {
    buildah --storage-driver vfs "$@"
}

# unpack FOLDER: the image's files there, and what the engine says of it in FOLDER.json.
unpack() {
    if [ "$ENGINE" = buildah ]; then
        container=$(b from --pull-never "$IMAGE")
        cp -a "$(b mount "$container")/." "$1"
        b rm "$container" >/dev/null
        b inspect --type image "$IMAGE" >"$1.json"
    else
        container=$("$ENGINE" create "$IMAGE")
        "$ENGINE" export "$container" | tar -x -p -C "$1"
        "$ENGINE" rm "$container" >/dev/null
        "$ENGINE" image inspect "$IMAGE" >"$1.json"
    fi
}

if [ -n "${ENGINE:-}" ]; then
    :
elif docker info >/dev/null 2>&1; then
    ENGINE=docker
elif podman info >/dev/null 2>&1; then
    ENGINE=podman
else
    ENGINE=buildah
    need buildah
fi
