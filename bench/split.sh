#!/usr/bin/env bash
# Holds of one hot SKU, whole and split into shards, in process and without a network, over two executors: on tmpfs
# (/dev/shm) and on the disk of BENCH_DIR (here), in alternation; what counts is the ratio of the medians.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --quiet -p tidegate --bench split -- /dev/shm
cargo bench --quiet -p tidegate --bench split -- "${BENCH_DIR:-.}"
