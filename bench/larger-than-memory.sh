#!/usr/bin/env bash
# More holds than memory can keep: HOLDS (100,000,000) in one folder, half of them confirmed, by a
# server that is told to keep to MEMORY (1GiB).
#
# After every twentieth it prints how fast that was, and what the server takes of memory and disk.
# Then the server is stopped and started, loaded and killed with -9 and started; nothing that was
# acknowledged may be missing. Exits with 1 if the server took 1.5 times its memory or more, became
# slower than half of what it was, took 30 s to be ready, or lost anything.
# The folder is made in BENCH_DIR (here); 100 million holds take some 50 GiB. With RATE=shown rates are
# shown and not judged: a bounded form on a machine that others use.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
export HOLDS=${HOLDS:-100000000} MEMORY=${MEMORY:-1GiB} BENCH_DIR=${BENCH_DIR:-.}
export PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'PY'
import os, statistics, sys, tempfile, time
from server import CONNECTIONS, Server, bytes_of, figures, machine

STEPS, SKUS, PIPELINE = 20, 1_000, 48
HOLDS, MEMORY = int(os.environ["HOLDS"]), os.environ["MEMORY"]
MIB = 1 << 20


def load(server, holds, *more):
    work = ["--work", "hold-confirm", "--pipeline", PIPELINE, "--skus", SKUS]
    return server.bench(*work, "--count", holds * 3 // 2, *more)


def step(server, number):
    """One twentieth; its median rate and what was acknowledged."""
    seen = figures(load(server, HOLDS // STEPS, "--windows", 1))
    assert seen["refused"] == 0, seen["refused_by"]
    median = statistics.median(window["done_per_second"] for window in seen["windows"]) * 2 / 3
    rate = seen["holds_done"] * 1_000 / seen["elapsed_ms"]
    base, log = server.on_disk()
    memory = [server.memory(name) / MIB for name in ("VmRSS", "VmHWM")]
    print(f"{number * HOLDS // STEPS:>13,}{rate:>11,.0f}/s{median:>11,.0f}/s"
          f"{memory[0]:>9,.0f}{memory[1]:>9,.0f}{base / MIB:>10,.0f}{log / MIB:>8,.0f}"
          f"{server.checkpoints()[0]:>8,}{seen['busy_told']:>11,}"
          f"{seen['batch_latency_us_p999'] / 1e3:>9,.0f}{seen['batch_latency_us_max'] / 1e3:>9,.0f}",
          flush=True)
    return median, seen["holds_done"]


def kill_under_load(server, peaks):
    """Kills it within a checkpoint if there is one; what it acknowledged before."""
    bench = load(server, 600_000_000)
    time.sleep(3)
    deadline = time.monotonic() + 20
    while not server.checkpoints()[1] and time.monotonic() < deadline:
        time.sleep(0.001)
    peaks.append(server.memory("VmHWM"))
    within = "within a checkpoint" if server.checkpoints()[1] else "between checkpoints"
    server.kill()
    seen = figures(bench, codes=(1,))
    print(f"killed with -9 {within}, after {seen['holds_done']:,} more holds")
    return seen["holds_done"]


bars = []


def bar(what, is_met):
    bars.append(is_met)
    print(f"{'met   ' if is_met else 'MISSED'}  {what}")


print(machine())
print(f"{HOLDS:,} holds on {SKUS:,} SKUs, half of them confirmed, {CONNECTIONS} connections,"
      f" -P {PIPELINE}, --memory {MEMORY}")
print(f"{'holds':>13}{'rate':>13}{'median':>13}{'RSS MiB':>9}{'peak':>9}{'base MiB':>10}{'log':>8}"
      f"{'ckpts':>8}{'BUSY told':>11}{'p99.9 ms':>9}{'max ms':>9}")
with tempfile.TemporaryDirectory(prefix="bench-larger.", dir=os.environ["BENCH_DIR"]) as folder:
    data = f"{folder}/data"
    with Server(data, MEMORY) as server:
        medians, counts = zip(*(step(server, number) for number in range(1, STEPS + 1)))
        acknowledged = sum(counts)
        peaks = [server.memory("VmHWM")]
        print(f"stopped in {server.stop():.1f} s")
    with Server(data, MEMORY) as server:
        starts = [server.ready_s]
        print(f"ready in {server.ready_s:.2f} s after a stop")
        after_stop = server.gone(SKUS)
        unsure = kill_under_load(server, peaks)
    with Server(data, MEMORY) as server:
        starts.append(server.ready_s)
        print(f"ready in {server.ready_s:.2f} s after kill -9")
        after_kill = server.gone(SKUS)
        peaks.append(server.memory("VmHWM"))
        server.stop()

print()
peak, limit = max(peaks), bytes_of(MEMORY) * 3 // 2
lives = ", ".join(f"{peak / MIB:,.0f}" for peak in peaks)
bar(f"at most {peak / MIB:,.0f} MiB resident (three lives: {lives}), less than {limit / MIB:,.0f} MiB", peak < limit)
rates = f"the last twentieth at {medians[-1]:,.0f}/s, the second at {medians[1]:,.0f}/s"
if os.environ.get("RATE") == "shown":
    print(f"        {rates}")
else:
    bar(f"{rates}: at least half", medians[-1] * 2 >= medians[1])
bar(f"ready in {max(starts):.2f} s, less than 30 s", max(starts) < 30)
bar(f"after a stop {after_stop:,} of {acknowledged:,} acknowledged units", after_stop == acknowledged)
unanswered = CONNECTIONS * PIPELINE
bar(f"after kill -9 {after_kill:,} of {acknowledged + unsure:,} acknowledged units,"
    f" and at most {unanswered:,} that were asked for",
    acknowledged + unsure <= after_kill <= acknowledged + unsure + unanswered)
sys.exit(not all(bars))
PY
