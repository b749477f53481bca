#!/bin/sh
# Installs the browser that the tests of the page drive, on Debian and as root, and fonts for the scripts they show.
set -eu
export DEBIAN_FRONTEND=noninteractive
set -- chromium fonts-noto-core
# npm may be there from elsewhere.
command -v npm >/dev/null || set -- "$@" npm
if ! dpkg -s "$@" >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
fi
