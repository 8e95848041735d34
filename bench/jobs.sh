#!/usr/bin/env bash
# Jobs side by side with BullMQ on Redis (`appendfsync always`): jobs of 100 bytes a second that are added, taken and
# done, in alternation, each figure the median of ROUNDS (3) of SECONDS_EACH (4), the servers' counts the same as the
# client's. Both are driven by the same Node process, whose share of the two cores is large. Needs Node, and
# redis-server, which it installs if it may.
set -euo pipefail
cd "$(dirname "$0")/.."
ROUNDS=${ROUNDS:-3} SECONDS_EACH=${SECONDS_EACH:-4}
work=$(realpath "$(mktemp -d "${BENCH_DIR:-.}/bench-jobs.XXXXXX")")
pids=()
tidy() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap tidy EXIT
if ! command -v redis-server >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
fi
[ -x target/release/tidegate ] || cargo build --release --quiet
cp bench/jobs/* "$work"
(cd "$work" && npm install --silent --no-fund --no-audit >/dev/null)
mkdir "$work/redis"
redis-server --bind 127.0.0.1 --port 7478 --dir "$work/redis" --save "" --appendonly yes --appendfsync always \
    --auto-aof-rewrite-percentage 0 >"$work/redis.log" &
pids+=($!)
target/release/tidegate serve --data "$work/tidegate" --resp 127.0.0.1:7479 --http 127.0.0.1:0 >"$work/tidegate.log" &
pids+=($!)
for port in 7478 7479; do
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
        sleep 0.1
    done
    echo "nobody listens on port $port" >&2
    exit 1
done
printf '%s cores, %s, kernel %s, median of %s rounds of %s s in alternation\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$ROUNDS" "$SECONDS_EACH"
printf '%s; redis %s; bullmq %s; node %s\n' "$(target/release/tidegate --version)" \
    "$(redis-server --version | grep -o 'v=[^ ]*' | cut -c3-)" \
    "$(grep -o '"bullmq": "[^"]*"' bench/jobs/package.json | cut -d'"' -f4)" "$(node --version)"
(cd "$work" && node main.mjs 7478 7479 "$ROUNDS" "$SECONDS_EACH")
