#!/usr/bin/env bash
# Sales that many come to, each with bots among the people, the payment provider at its worst, and the server killed
# with -9: a ledger of each, which must be sound.
#
#   bench/crowd.sh             200,000 people for 5,000 units of 50 products
#   bench/crowd.sh million     1,000,000 people for 10,000 tickets of one kind
#
# PEOPLE, UNITS, SKUS, KILLS, SECONDS_AFTER (in which people come after the start), PAY_WITHIN and SEED change that.
# Exits with 1 if a ledger is not sound. Traffic stays on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = million ]; then
    : "${PEOPLE:=1000000}" "${UNITS:=10000}" "${SKUS:=1}" "${SECONDS_AFTER:=60}"
fi
: "${PEOPLE:=200000}" "${UNITS:=5000}" "${SKUS:=50}" "${KILLS:=3}" "${SECONDS_AFTER:=25}" "${PAY_WITHIN:=8}" "${SEED:=1}"
bin=${BINARY:-target/release/tidegate}
[ -x "$bin" ] || cargo build --release --quiet
printf '%s cores, %s, kernel %s, %s\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$("$bin" --version)"
exec "$bin" demo sale --exit --people "$PEOPLE" --units "$UNITS" --skus "$SKUS" --kill "$KILLS" \
    --seconds "$SECONDS_AFTER" --pay-within "$PAY_WITHIN" --seed "$SEED"
