#!/bin/sh
# Builds the image: with docker or podman where one works, else with Debian's buildah, which needs no daemon.
# Usage: [MODELS=starter|none] [BASE=IMAGE] [IMAGE=NAME] deploy/image.sh [OPTION OF THE ENGINE…]
set -eu
cd "$(dirname "$0")/.."
. deploy/engine.sh
: "${MODELS:=starter}" "${BASE:=docker.io/library/python:3.11-slim-bookworm}"

# pip's own settings of this machine travel as a build secret: used while building, in no layer.
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
python3 deploy/pip_settings.py > "$secrets/pip"
cp "${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}" "$secrets/ca"
# The time of every file that is added: that of the sources, so that another build is the same image.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 1580601600)}"
export SOURCE_DATE_EPOCH
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' protos/polygist/__init__.py)
# Beside the name that was asked for: what deploy/ names its images by.
[ "$IMAGE" != localhost/polygist ] || set -- "$@" --tag "$IMAGE:$version"
set -- "$@" --build-arg "MODELS=$MODELS" --build-arg "VERSION=$version" --tag "$IMAGE" \
    --secret "id=pip,src=$secrets/pip" --secret "id=ca,src=$secrets/ca"

case $ENGINE in
docker)
    docker build --network host --build-arg "BASE=$BASE" --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
        --output type=docker,rewrite-timestamp=true "$@" .
    ;;
podman)
    podman build --format docker --timestamp "$SOURCE_DATE_EPOCH" --network host --build-arg "BASE=$BASE" "$@" .
    ;;
buildah)
    if ! b pull --quiet "$BASE"; then
        echo "cannot pull $BASE: building one from Debian's own packages" >&2
        BASE=localhost/polygist-base
        [ -n "$(b images --quiet "$BASE" 2>/dev/null)" ] || sh deploy/base.sh "$BASE"
    fi
    # --format docker: the OCI format has no HEALTHCHECK.
    b bud --format docker --timestamp "$SOURCE_DATE_EPOCH" --isolation chroot --pull-never --build-arg "BASE=$BASE" "$@" .
    ;;
esac
echo "built $IMAGE with $ENGINE; make image-test runs it"
