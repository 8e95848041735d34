#!/usr/bin/env bash
# Holds of a SKU that is sold out, over HTTP and RESP: how many a second are told so, how fast, and how many of
# them at the edge, without their partition.
#
# wrk asks over HTTP for SECONDS_EACH (10) with CONNECTIONS (256), each hold with an id and a buyer of its own and
# a limit; `tidegate bench` asks over RESP with 50 connections and PIPELINE (16); beside the server, ROUNDS (3)
# times. An answer other than "sold out" counts as failed. Needs wrk (Debian: apt-get install wrk). The folder is
# made in BENCH_DIR (here).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
export SECONDS_EACH=${SECONDS_EACH:-10} ROUNDS=${ROUNDS:-3} CONNECTIONS=${CONNECTIONS:-256}
export PIPELINE=${PIPELINE:-16} BENCH_DIR=${BENCH_DIR:-.}
export PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'PY'
import http.client, json, os, re, signal, subprocess, tempfile, time
from server import Server, figures, machine

SECONDS, ROUNDS = int(os.environ["SECONDS_EACH"]), int(os.environ["ROUNDS"])
CONNECTIONS, PIPELINE = os.environ["CONNECTIONS"], os.environ["PIPELINE"]
SOLD_OUT = 'tidegate_refusals_total{domain="stock",code="sold_out"}'
INTERRUPTED = 130

SCRIPT = """
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end
local asked = 0
local headers = { ["content-type"] = "application/json" }
function request()
  asked = asked + 1
  local who = "%s-" .. number .. "-" .. asked
  local body = '{"id":"' .. who .. '","quantity":1,"buyer":"' .. who .. '","max":1}'
  return wrk.format("POST", "/v1/stock/drop/holds", headers, body)
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("SAW %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.connect + e.read + e.write + e.timeout))
end
"""


def ask(server, method, path, body):
    front = http.client.HTTPConnection(server.http)
    front.request(method, path, json.dumps(body), {"content-type": "application/json"})
    answer = front.getresponse()
    told = answer.read()
    assert answer.status in (200, 201), (path, answer.status, told)


def over_http(server, folder, round):
    """How many were told in how many seconds, the quantiles in microseconds, and how many failed."""
    with open(f"{folder}/holds.lua", "w") as file:
        file.write(SCRIPT % round)
    before = server.metric(SOLD_OUT)
    wrk = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", f"{folder}/holds.lua", f"http://{server.http}"]
    told = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    asked, us, *quantiles, failed = map(int, re.search(r"^SAW (.*)$", told, re.M)[1].split())
    others = max(0, asked - (server.metric(SOLD_OUT) - before))
    return asked, us / 1e6, quantiles, failed + others


def over_resp(server, _folder, _round):
    bench = server.bench("--work", "sold-out", "--pipeline", PIPELINE, "--skus", 1, "--count", 1_000_000_000)
    time.sleep(SECONDS)
    bench.send_signal(signal.SIGINT)
    seen = figures(bench, codes=(INTERRUPTED,))
    told = seen["refused_by"].get("SOLDOUT", 0)
    quantiles = [seen[f"batch_latency_us_{name}"] for name in ("p50", "p99", "p999")]
    return told, seen["elapsed_ms"] / 1e3, quantiles, seen["done"] + seen["refused"] - told


print(machine())
with tempfile.TemporaryDirectory(dir=os.environ["BENCH_DIR"]) as folder, Server(f"{folder}/data", "1GiB") as server:
    ask(server, "PUT", "/v1/stock/drop", {"total": 1})
    ask(server, "POST", "/v1/stock/drop/holds", {"id": "first", "quantity": 1, "ttl_ms": 86_400_000})
    for front, over in [("http", over_http), ("resp", over_resp)]:
        for round in range(1, ROUNDS + 1):
            cpu, edge = server.cpu_s(), server.at_edge()
            told, seconds, (p50, p99, p999), failed = over(server, folder, round)
            used = (server.cpu_s() - cpu) / told * 1e6
            share = (server.at_edge() - edge) / told
            print(f"{front}  round {round}  {told / seconds:9,.0f}/s   p50 {p50 / 1e3:.2f} ms   p99 {p99 / 1e3:.2f} ms"
                  f"   p99.9 {p999 / 1e3:.2f} ms   server {used:.1f} us each   at the edge {share:.2%}   failed {failed}")
PY
