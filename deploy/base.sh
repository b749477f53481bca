#!/bin/sh
# Makes the base image out of Debian's packages, for machines that cannot pull one. Usage: deploy/base.sh NAME
set -eu
. "$(dirname "$0")/engine.sh"
need debootstrap
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    "${SUITE:-bookworm}" "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log" || { tail -n 20 "$root.log" >&2; exit 1; }
rm -rf "$root.log" "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/* \
    "$root"/usr/lib/*/gconv "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
container=$(b from scratch)
b add --quiet "$container" "$root" / >/dev/null
b commit --quiet --rm "$container" "$1" >/dev/null
