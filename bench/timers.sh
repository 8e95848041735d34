#!/usr/bin/env bash
# How late jobs are in a worker's hands that fall due while many others wait: WAITING (1,000,000) jobs that are due
# tomorrow, RATE (10,000) a second for SECONDS_DUE (10) that fall due now, four workers beside the server; and what all
# of them cost in memory. Needs Go. The folder is made in BENCH_DIR (here).
set -euo pipefail
cd "$(dirname "$0")/.."
WAITING=${WAITING:-1000000} RATE=${RATE:-10000} SECONDS_DUE=${SECONDS_DUE:-10} MEMORY=${MEMORY:-512MiB}
[ -x target/release/tidegate ] || cargo build --release --quiet
work=$(realpath "$(mktemp -d "${BENCH_DIR:-.}/bench-timers.XXXXXX")")
server=
trap 'kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
(cd bench/queues && go build -o "$work/queues" .)
target/release/tidegate serve --data "$work/data" --memory "$MEMORY" --resp 127.0.0.1:7479 --http 127.0.0.1:0 >"$work/log" &
server=$!
for _ in $(seq 100); do
    if grep -q ready "$work/log"; then break; fi
    sleep 0.1
done
resident() { awk '/^Vm(RSS|HWM)/ {printf "%s %.0f MiB  ", $1, $2 / 1024}' "/proc/$server/status"; }
printf '%s cores, %s, kernel %s, %s, --memory %s\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$(target/release/tidegate --version)" "$MEMORY"
echo "idle: $(resident)"
"$work/queues" timers -tidegate 127.0.0.1:7479 -waiting "$WAITING" -rate "$RATE" -seconds "$SECONDS_DUE"
echo "then: $(resident) on disk $(du -sm "$work/data" | cut -f1) MiB"
