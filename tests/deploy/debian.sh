#!/bin/sh
# Puts Debian's Prometheus, with promtool, where the tests of monitoring find it, unless it is installed. It is unpacked
# and not installed, so that no service of it begins to run; as root also where apt has no lists yet.
set -eu
folder=${XDG_CACHE_HOME:-$HOME/.cache}/polygist-tests/prometheus
! command -v prometheus >/dev/null || ! command -v promtool >/dev/null || exit 0
[ ! -x "$folder/usr/bin/promtool" ] || exit 0
mkdir -p "$folder"
cd "$folder"
apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }
dpkg-deb --extract prometheus_*.deb .
rm prometheus_*.deb
