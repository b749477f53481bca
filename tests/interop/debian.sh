#!/bin/sh
# Installs what the tests of clients in other languages need, on Debian and as root; without it they are skipped.
set -eu
export DEBIAN_FRONTEND=noninteractive
set -- golang-go protobuf-compiler protoc-gen-go protoc-gen-go-grpc golang-google-grpc-dev golang-google-genproto-dev \
    golang-github-golang-protobuf-1-5-dev
# Node may be there from elsewhere.
command -v node >/dev/null && command -v npm >/dev/null || set -- "$@" nodejs npm
if ! dpkg -s "$@" >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
fi
