#!/usr/bin/env bash
# Holds and sold-out answers a second, side by side with a Redis that does the same by Lua.
#
# Both servers run on this machine beside the one client, `tidegate bench`, one measurement after
# the other in alternation; each figure is the median of ROUNDS. Effects are counted on the
# servers. Redis checks the buyer set, deducts and records the flow in one Lua call, with
# `appendfsync always`; it does not rewrite its file meanwhile, which would disturb both.
# Memory is touched once beforehand: a virtual machine's host takes microseconds for each page that
# it hands out for the first time, and would slow whichever server grows onto it.
# Needs redis-server (Debian: apt-get install redis-server).
set -euo pipefail
cd "$(dirname "$0")/.."
ROUNDS=${ROUNDS:-3}
TIDEGATE_PORT=${TIDEGATE_PORT:-7479}
REDIS_PORT=${REDIS_PORT:-7478}
work=$(mktemp -d "${BENCH_DIR:-.}/bench-holds.XXXXXX")
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

cargo build --release --quiet
bin=target/release/tidegate
python3 - <<'PY'
import mmap
with open("/proc/meminfo") as lines:
    available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) << 10
touched = min(8 << 30, available // 2)
with mmap.mmap(-1, touched) as memory:
    for page in range(0, touched, mmap.PAGESIZE):
        memory[page] = 1
PY

redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --dir "$work" --save "" \
    --appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 >"$work/redis.log" &
pids+=($!)
"$bin" serve --data "$work/tidegate" --resp "127.0.0.1:$TIDEGATE_PORT" --http 127.0.0.1:0 \
    >"$work/tidegate.log" &
pids+=($!)
for _ in $(seq 100); do
    if redis-cli -p "$REDIS_PORT" ping >/dev/null 2>&1 && grep -q ready "$work/tidegate.log"; then break; fi
    sleep 0.1
done

measure() { # target work pipeline count
    local port=$TIDEGATE_PORT
    [ "$1" = redis ] && port=$REDIS_PORT
    "$bin" bench --addr "127.0.0.1:$port" --target "$1" --work "$2" -P "$3" --connections 50 \
        --count "$4" --json 2>/dev/null
}
bytes() { # bytes that tidegate has written to its log segments
    find "$work/tidegate" -name '*.seg' -printf '%b\n' | awk '{s += $1} END {print s * 512}'
}

printf '%s cores, %s, kernel %s, %s, tidegate %s, median of %s rounds in alternation\n' \
    "$(nproc)" "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" \
    "$(redis-server --version | awk '{print $1, $2, $3}')" "$("$bin" --version | awk '{print $2}')" "$ROUNDS"

for round in $(seq "$ROUNDS"); do
    for pipeline in 1 16 64; do
        count=$((pipeline == 1 ? 150000 : 500000))
        for kind in hold sold-out; do
            for target in redis tidegate; do
                measure "$target" "$kind" "$pipeline" "$count" |
                    sed "s/^{/{\"target\":\"$target\",\"work\":\"$kind\",\"pipeline\":$pipeline,\"round\":$round,/" \
                        >>"$work/figures"
            done
        done
    done
done

before=$(awk '/write_bytes/ && !/cancelled/ {print $2}' "/proc/${pids[1]}/io")
measure tidegate sold-out 64 2000000 >"$work/storm"
after=$(awk '/write_bytes/ && !/cancelled/ {print $2}' "/proc/${pids[1]}/io")

python3 - "$work/figures" "$work/storm" $((after - before)) <<'PY'
import collections, json, statistics, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
cells = collections.defaultdict(list)
for row in rows:
    kind = "done" if row["work"] == "hold" else "refused"
    if row["work"] == "hold":
        assert row["done"] == sum([row["done"]]) and row["refused"] == 0, row
    else:
        assert row["done"] == 0 and row["refused_by"].keys() == {"SOLDOUT"}, row
    key = (row["work"], row["pipeline"], row["target"])
    cells[key].append((row[kind + "_per_second"], row["batch_latency_us_p50"], row["batch_latency_us_p99"]))

def median(key):
    return [statistics.median(column) for column in zip(*cells[key])]

print(f"{'':16}{'redis 7':>14}{'tidegate':>14}{'ratio':>8}   batch latency p50/p99, ms")
for work in ("hold", "sold-out"):
    for pipeline in (1, 16, 64):
        redis, own = median((work, pipeline, "redis")), median((work, pipeline, "tidegate"))
        print(f"{work + ' -P ' + str(pipeline):16}{redis[0]:>12,.0f}/s{own[0]:>12,.0f}/s{own[0] / redis[0]:>8.2f}"
              f"   redis {redis[1] / 1e3:.2f}/{redis[2] / 1e3:.2f}, tidegate {own[1] / 1e3:.2f}/{own[2] / 1e3:.2f}")
for pipeline in (16, 64):
    own, redis = median(("sold-out", pipeline, "tidegate"))[0], median(("hold", pipeline, "redis"))[0]
    print(f"sold-out of tidegate against holds of redis, -P {pipeline}: {own / redis:.2f}")
storm = json.loads(open(sys.argv[2]).read())
print(f"storm of {storm['refused']:,} sold-out answers in {storm['elapsed_ms'] / 1e3:.1f} s:"
      f" {int(sys.argv[3]):,} bytes written to disk (the clock record)")
PY
