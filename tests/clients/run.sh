#!/usr/bin/env bash
# Real clients, unmodified, against a running server. Ends with pytest's closing line.
#
#   tests/clients/run.sh [BINARY] [PYTEST ARGUMENTS …]
#
# BINARY is target/debug/tidegate unless given. The clients are installed once, into
# target/clients; a second run installs nothing. All traffic to servers stays on loopback.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=$(realpath -m "${1:-$root/target/debug/tidegate}")
shift || true
home="${CARGO_TARGET_DIR:-$root/target}/clients"

fail() {
    echo "tests/clients/run.sh: $*" >&2
    exit 2
}

[ -x "$binary" ] || fail "$binary is no program; build it: cargo build -p tidegate"

# Debian packages, only if they are missing and this is root.
missing=()
for need in redis-cli:redis-tools curl:curl node:nodejs npm:npm; do
    command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || fail "please install: ${missing[*]}"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

# A real Redis, beside which streams are looked at: the tools of Redis have it, under the name of one of them. Without it
# these tests fail, unless CLIENTS_WITHOUT_REDIS=1 says that they are to be skipped.
mkdir -p "$home/bin"
if ! command -v redis-server >/dev/null && command -v redis-check-rdb >/dev/null; then
    ln -sf "$(command -v redis-check-rdb)" "$home/bin/redis-server"
fi
PATH="$PATH:$home/bin"
if ! command -v redis-server >/dev/null && [ "${CLIENTS_WITHOUT_REDIS:-}" != 1 ]; then
    fail "no redis-server: install one, or skip what is compared with it: CLIENTS_WITHOUT_REDIS=1"
fi

mkdir -p "$home"

# `once NAME FILE … -- COMMAND …` runs the command unless it ran to its end with these very files.
once() {
    local stamp="$home/$1.stamp" files=()
    shift
    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    local wanted
    wanted=$(cat "${files[@]}" | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        "$@"
        echo "$wanted" >"$stamp"
    fi
}

install_python() {
    python3 -m venv --clear "$home/venv"
    "$home/venv/bin/pip" install -q --disable-pip-version-check --no-deps -r "$here/requirements.txt"
}

install_node() {
    mkdir -p "$home/node"
    cp "$here/package.json" "$here/package-lock.json" "$home/node/"
    npm ci --prefix "$home/node" --no-audit --no-fund --loglevel=error >&2
}

once python "$here/requirements.txt" -- install_python
once node "$here/package.json" "$here/package-lock.json" -- install_node

# The servers are on this machine: no proxy stands between, and no password of the caller's.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY TIDEGATE_PASSWORD REDISCLI_AUTH
export TIDEGATE_BINARY="$binary" CLIENTS_NODE="$home/node" PYTHONDONTWRITEBYTECODE=1
cd "$here"
exec "$home/venv/bin/python" -m pytest -p no:cacheprovider -q "$@"
