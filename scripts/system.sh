#!/bin/sh
# The Debian packages that tests use: Chromium for the console, pgbouncer for the pooled host.
# Present: says nothing. Missing: installs them as root, else says how; never fails, for tests run what they find.
set -eu

wanted=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    wanted="$wanted chromium"
PATH="$PATH:/usr/sbin" command -v pgbouncer >/dev/null || wanted="$wanted pgbouncer"
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "for the tests that use them, install:$wanted   (Debian, Ubuntu: sudo apt-get install$wanted)"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
echo "installing$wanted"
log=$(mktemp)
# shellcheck disable=SC2086
apt-get install -qq --no-install-recommends $wanted >"$log" 2>&1 ||
    { apt-get update -qq && apt-get install -qq --no-install-recommends $wanted; } >"$log" 2>&1 ||
    { tail -n 5 "$log"; echo "could not install$wanted: the tests that use them will be skipped"; }
rm -f "$log"
