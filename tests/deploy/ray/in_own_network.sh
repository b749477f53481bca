#!/bin/sh
# Run a command in a network of its own, with nothing but loopback: Ray takes any address of the machine for 127.0.0.1,
# and would be reachable there.
set -eu
owner=
[ "$(id -u)" = 0 ] || owner=--map-root-user
exec unshare $owner --net sh -c 'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"' sh "$@"
