#!/usr/bin/env bash
# The pages of a sale and of counters in a real browser, against a running server and payment sandbox.
#
#   tests/browser/run.sh [BINARY]
#   tests/browser/run.sh BINARY pictures   draws docs/storefront.png and docs/stage.png anew
#
# BINARY is target/debug/tidegate unless given. What drives the browser is installed once, into target/browser; the
# browser is Debian's Chromium. Screenshots go to target/browser/pictures, or to PICTURES. All traffic stays on
# loopback, and what was started is ended.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=$(realpath -m "${1:-$root/target/debug/tidegate}")
home="${CARGO_TARGET_DIR:-$root/target}/browser"

fail() {
    echo "tests/browser/run.sh: $*" >&2
    exit 2
}

[ -x "$binary" ] || fail "$binary is no program; build it: cargo build -p tidegate"

# Debian packages, only if they are missing and this is root.
missing=()
for need in chromium:chromium node:nodejs npm:npm; do
    command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || fail "please install: ${missing[*]}"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

mkdir -p "$home"
wanted=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)
if [ "$(cat "$home/stamp" 2>/dev/null)" != "$wanted" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$home/"
    npm ci --prefix "$home" --no-audit --no-fund --loglevel=error >&2
    echo "$wanted" >"$home/stamp"
fi

# The servers are on this machine: no proxy stands between, and no password of the caller's.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY TIDEGATE_PASSWORD TIDEGATE_PAY_WEBHOOK_SECRET
export TIDEGATE_BINARY="$binary" PLAYWRIGHT="$home/node_modules/playwright-core/index.mjs"
export CHROMIUM="${CHROMIUM:-$(command -v chromium)}" PICTURES="${PICTURES:-$home/pictures}"
mkdir -p "$PICTURES"
if [ "${2:-}" = pictures ]; then
    PICTURES="$root/docs" exec node "$here/pictures.mjs"
fi
exec node --test --test-reporter=spec --test-concurrency=1 "$here"/*.test.mjs
