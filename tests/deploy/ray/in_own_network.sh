#!/bin/sh
# Run a command in a network of its own, with nothing but loopback: Ray takes any address of the machine for 127.0.0.1,
# and would be reachable there. Its processes are of their own too: what is left of them ends with the command.
set -eu
owner=
[ "$(id -u)" = 0 ] || owner=--map-root-user
exec unshare $owner --net --pid --fork --kill-child --mount-proc \
  sh -c 'ip link set lo up 2>/dev/null || ifconfig lo up; "$@"' sh "$@"
