#!/usr/bin/env bash
# How fast a group reads a topic of MESSAGES (10,000,000) of 100 bytes from its beginning, whether another group that
# reads its end is slowed by that, and what the server has in memory (MEMORY, 512MiB). Needs Go. The folder is made in
# BENCH_DIR (here): 1 GiB for each 5 million messages, and as much again while it is put in order.
set -euo pipefail
cd "$(dirname "$0")/.."
MESSAGES=${MESSAGES:-10000000} MEMORY=${MEMORY:-512MiB}
[ -x target/release/tidegate ] || cargo build --release --quiet
work=$(realpath "$(mktemp -d "${BENCH_DIR:-.}/bench-catch-up.XXXXXX")")
server=
trap 'kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
(cd bench/queues && go build -o "$work/queues" .)
target/release/tidegate serve --data "$work/data" --memory "$MEMORY" --resp 127.0.0.1:7479 --http 127.0.0.1:0 >"$work/log" &
server=$!
for _ in $(seq 100); do
    if grep -q ready "$work/log"; then break; fi
    sleep 0.1
done
printf '%s cores, %s, kernel %s, %s, --memory %s\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$(target/release/tidegate --version)" "$MEMORY"
"$work/queues" catch-up -tidegate 127.0.0.1:7479 -messages "$MESSAGES"
awk '/^Vm(RSS|HWM)/ {printf "%s %.0f MiB  ", $1, $2 / 1024}' "/proc/$server/status"
echo "on disk $(du -sm "$work/data" | cut -f1) MiB"
