#!/bin/sh
# Builds the image: with docker or podman where one works, else with Debian's buildah, which needs no daemon.
# Usage: [MODELS=starter|none] [BASE=IMAGE] [IMAGE=NAME] deploy/image.sh
set -eu
cd "$(dirname "$0")/.."
. deploy/engine.sh
: "${MODELS:=starter}" "${BASE:=docker.io/library/python:3.11-slim-bookworm}"

# pip's own settings of this machine travel as a build secret: used while building, in no layer.
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
python3 deploy/pip_settings.py > "$secrets/pip"
cp "${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}" "$secrets/ca"
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' protos/polygist/__init__.py)
set -- --build-arg "MODELS=$MODELS" --build-arg "VERSION=$version" --tag "$IMAGE" \
    --secret "id=pip,src=$secrets/pip" --secret "id=ca,src=$secrets/ca"

case $ENGINE in
docker | podman)
    [ "$ENGINE" = docker ] || set -- --format docker "$@"
    "$ENGINE" build --network host --build-arg "BASE=$BASE" "$@" .
    ;;
buildah)
    if ! b pull --quiet "$BASE"; then
        echo "cannot pull $BASE: building one from Debian's own packages" >&2
        BASE=localhost/polygist-base
        [ -n "$(b images --quiet "$BASE" 2>/dev/null)" ] || sh deploy/base.sh "$BASE"
    fi
    # --format docker: the OCI format has no HEALTHCHECK.
    b bud --format docker --isolation chroot --pull-never --build-arg "BASE=$BASE" "$@" .
    ;;
esac
echo "built $IMAGE with $ENGINE; make image-test runs it"
