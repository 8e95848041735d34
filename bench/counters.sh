#!/usr/bin/env bash
# Counters under load, the client (bench/counters, in Rust) beside the server on the same machine:
#
#   bench/counters.sh              events a second, beside a Redis that counts the same by Lua: HINCRBY of a minute, PFADD of
#                                  who came, ZINCRBY of the leading keys, with `appendfsync always`; the counter it is
#                                  compared with keeps minutes and hours, with who came in an hour and the leading keys of
#                                  both; others keep the usual levels; one measurement after
#                                  the other in alternation, each the median of ROUNDS (3) of SECONDS_EACH (4), by fresh
#                                  servers for one by one at -P 16, at -P 64, batches, and batches with ids. What each server
#                                  has counted must be what it acknowledged. ONLY (all) picks lines by a part of their names.
#   bench/counters.sh queries      QUESTIONS (1,000) of each kind while CONNECTIONS (16) send batches as fast as they are
#                                  answered, over a year of days that a restart has left on disk; 3 s after they began
#   bench/counters.sh crowd        EVENTS (10,000,000; 100,000,000 takes some minutes) over KEYS (1,000,000), by Zipf's law,
#                                  in the last HOURS (24), by a server that is told to keep to MEMORY (1GiB): compared
#                                  with what was sent, its memory and disk printed
#   bench/counters.sh hot          keys that are all alike, and one that has half of all events
#
# Folders are made in BENCH_DIR (here). Needs redis-server for the first, which it installs if it may.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-throughput}
ROUNDS=${ROUNDS:-3} SECONDS_EACH=${SECONDS_EACH:-4} ONLY=${ONLY-} QUESTIONS=${QUESTIONS:-1000} CONNECTIONS=${CONNECTIONS:-16}
EVENTS=${EVENTS:-10000000} KEYS=${KEYS:-1000000} HOURS=${HOURS:-24} MEMORY=${MEMORY:-1GiB}
BINARY=${BINARY:-target/release/tidegate}
work=$(realpath "$(mktemp -d "${BENCH_DIR:-.}/bench-counters.XXXXXX")")
pids=()
tidy() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap tidy EXIT
[ -x "$BINARY" ] || cargo build --release --quiet
cargo build --release --quiet --locked --manifest-path bench/counters/Cargo.toml --target-dir target/bench-counters
client=target/bench-counters/release/bench-counters

await() { # port
    for _ in $(seq 300); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "nobody listens on port $1" >&2
    exit 1
}
serve() {
    "$BINARY" serve --data "$work/tidegate" --memory "$MEMORY" --resp 127.0.0.1:7479 --http 127.0.0.1:0 \
        >"$work/tidegate.log" 2>&1 &
    server=$!
    pids+=("$server")
    await 7479
}
head() {
    printf '%s cores, %s, kernel %s, %s, --memory %s%s\n' "$(nproc)" \
        "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$("$BINARY" --version)" "$MEMORY" "$1"
}

case $what in
throughput)
    if ! command -v redis-server >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
    fi
    if [ -n "$ONLY" ]; then kinds=("$ONLY"); else kinds=("-P 16" "-P 64" "batches of 100" "batches with ids"); fi
    for kind in "${kinds[@]}"; do # Each with servers of its own: files that one kind leaves to be merged are not another's.
        mkdir "$work/redis"
        redis-server --bind 127.0.0.1 --port 7478 --dir "$work/redis" --save "" --appendonly yes --appendfsync always \
            --auto-aof-rewrite-percentage 0 >"$work/redis.log" &
        redis=$!
        pids+=("$redis")
        await 7478
        serve
        [ "$kind" != "${kinds[0]}" ] || head ", redis $(redis-server --version | grep -o 'v=[^ ]*' | cut -c3-) with \
appendfsync always, $KEYS keys by Zipf's law, 50 connections, median of $ROUNDS rounds of $SECONDS_EACH s in alternation"
        "$client" throughput --tidegate 127.0.0.1:7479 --redis 127.0.0.1:7478 --keys "$KEYS" --rounds "$ROUNDS" \
            --seconds "$SECONDS_EACH" --only "$kind"
        kill "$server" "$redis"
        wait "$server" "$redis" || true
        rm -r "$work/redis" "$work/tidegate"
    done
    ;;
queries)
    serve
    head ""
    "$client" prefill --tidegate 127.0.0.1:7479
    kill "$server" && wait "$server" || true
    serve
    "$client" queries --tidegate 127.0.0.1:7479 --keys "$KEYS" --connections "$CONNECTIONS" --questions "$QUESTIONS"
    ;;
crowd)
    serve
    head ""
    "$client" crowd --tidegate 127.0.0.1:7479 --pid "$server" --data "$work/tidegate" --keys "$KEYS" --events "$EVENTS" \
        --hours "$HOURS"
    ;;
hot)
    serve
    head ""
    "$client" hot --tidegate 127.0.0.1:7479 --pid "$server" --keys "$KEYS" --rounds "$ROUNDS" --seconds "$SECONDS_EACH"
    ;;
*)
    sed -n '2,/^set /p' "$0" | sed '$d' >&2
    exit 2
    ;;
esac
