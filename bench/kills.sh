#!/usr/bin/env bash
# Kills a server with -9 again and again, inside append, sync, checkpoint, trim and recovery, and
# checks after each kill that nothing acknowledged since the last is lost and that the books balance;
# now and then, and at the end, that nothing ever acknowledged is.
#
# Two runs of KILLS kills (200) with the seeds of SEEDS ("1 2"); each prints its table.
set -euo pipefail
cd "$(dirname "$0")/.."

for seed in ${SEEDS:-1 2}; do
    TIDEGATE_KILLS=${KILLS:-200} TIDEGATE_KILL_SEED=$seed \
        cargo test --release --quiet --locked -p tidegate --test kills what_was_acknowledged -- --nocapture
done
