#!/usr/bin/env bash
# Orders of three SKUs a second over HTTP, with their latency, beside `tidegate bench --work place` over RESP.
#
# The client is wrk, one thread of it beside the server, SECONDS_EACH seconds a measurement, ROUNDS rounds in
# alternation. An order is counted when it is answered with 2xx: `reserved`, and durable, as none waits
# for so long that it is told to ask again. Needs wrk and redis-cli (Debian: apt-get install wrk redis-tools).
set -euo pipefail
cd "$(dirname "$0")/.."
ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-15}
CONNECTIONS=${CONNECTIONS:-128}
RESP_PORT=${RESP_PORT:-7479}
HTTP_PORT=${HTTP_PORT:-7480}
bin=${BINARY:-target/release/tidegate}
work=$(mktemp -d "${BENCH_DIR:-.}/bench-orders.XXXXXX")
server=
trap 'kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

[ -x "$bin" ] || cargo build --release --quiet
printf '%s cores, %s, kernel %s, %s, %s connections\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$("$bin" --version)" "$CONNECTIONS"

for round in $(seq "$ROUNDS"); do
    "$bin" serve --data "$work/data-$round" --resp "127.0.0.1:$RESP_PORT" --http "127.0.0.1:$HTTP_PORT" \
        >"$work/log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        grep -q '^ready' "$work/log" && break
        sleep 0.1
    done
    seq 0 99 | sed 's/.*/STOCK.SET thing-& 100000000/' | redis-cli -p "$RESP_PORT" --pipe >/dev/null
    wrk -t1 -c"$CONNECTIONS" -d"${SECONDS_EACH}s" --latency -s bench/orders-http.lua \
        "http://127.0.0.1:$HTTP_PORT" >"$work/wrk"
    awk -v round="$round" '
        /Requests\/sec/ { rate = $2 }
        /50%/ { p50 = $2 } /99%/ { p99 = $2 }
        /Non-2xx/ { wrong = $NF }
        END { printf "HTTP  round %d  %9.0f orders/s   %s p50   %s p99   not reserved %d\n",
              round, rate, p50, p99, wrong }' "$work/wrk"
    kill "$server"
    wait "$server" || true
    "$bin" bench --work place -P 16 --count 300000 --json 2>/dev/null >"$work/bench"
    python3 - "$work/bench" "$round" <<'PY'
import json, sys
with open(sys.argv[1]) as file:
    told = json.load(file)
rate, (p50, p99) = told["done_per_second"], (told[f"batch_latency_us_{p}"] / 1000 for p in ("p50", "p99"))
print(f"RESP  round {sys.argv[2]}  {rate:9.0f} orders/s   {p50:.2f}ms p50   {p99:.2f}ms p99 a batch of 16")
PY
done
