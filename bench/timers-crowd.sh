#!/usr/bin/env bash
# What it costs if all of many waiting jobs fall due at once: JOBS (10,000,000), due one behind the other within WINDOW
# (60s), four workers beside a server that is told to keep to MEMORY (72MiB). The server is ended by SIGKILL while all
# wait, and when half are done. Prints what memory it took, and, counted by id, whether any job was lost, early, or done
# twice; exits with 1 if one was. LEAD (11m) is the time to add them all. Needs Go, and 5 GB of disk.
# The folder is made in BENCH_DIR (here).
set -euo pipefail
cd "$(dirname "$0")/.."
JOBS=${JOBS:-10000000} WINDOW=${WINDOW:-60s} LEAD=${LEAD:-11m} MEMORY=${MEMORY:-72MiB}
[ -x target/release/tidegate ] || cargo build --release --quiet
work=$(realpath "$(mktemp -d "${BENCH_DIR:-.}/bench-timers.XXXXXX")")
trap 'rm -rf "$work"' EXIT
(cd bench/queues && go build -o "$work/queues" .)
printf '%s cores, %s, kernel %s, %s, --memory %s\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$(target/release/tidegate --version)" "$MEMORY"
"$work/queues" crowd -binary target/release/tidegate -data "$work/data" -memory "$MEMORY" -jobs "$JOBS" -window "$WINDOW" -lead "$LEAD"
