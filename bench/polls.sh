#!/usr/bin/env bash
# Polls of a waiting room over HTTP: how many a second, with how much of the server's processor.
#
# PEOPLE (500,000) enter a sale before its start; it is drawn, and then wrk polls the positions of any of
# them for SECONDS_EACH (10), ROUNDS (3) times, beside the server. A poll is counted when it is answered
# with 2xx. Needs wrk (Debian: apt-get install wrk). The folder is made in BENCH_DIR (here).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
export PEOPLE=${PEOPLE:-500000} SECONDS_EACH=${SECONDS_EACH:-10} ROUNDS=${ROUNDS:-3}
export CONNECTIONS=${CONNECTIONS:-256} BENCH_DIR=${BENCH_DIR:-.}
export PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'PY'
import http.client, json, os, re, socket, subprocess, tempfile, time
from server import Server, machine

PEOPLE, SECONDS, ROUNDS = (int(os.environ[name]) for name in ("PEOPLE", "SECONDS_EACH", "ROUNDS"))
CONNECTIONS = os.environ["CONNECTIONS"]
AT_ONCE = 1_000
HOUR_MS = 3_600_000


def command(*words):
    words = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def reply(lines):
    """A flat map of RESP2 as a dictionary."""
    count = int(lines.readline()[1:])
    values = []
    for _ in range(count):
        line = lines.readline()
        is_bulk = line[:1] == b"$" and line != b"$-1\r\n"
        values.append(lines.read(int(line[1:]) + 2)[:-2] if is_bulk else line[1:-2])
    return dict(zip(values[::2], values[1::2]))


def enter(server):
    """The tickets of all, and how many seconds it took."""
    host, port = server.addr.split(":")
    wire = socket.create_connection((host, int(port)))
    lines = wire.makefile("rb")
    starts = int(time.time() * 1_000) + PEOPLE // 10 + 5_000
    wire.sendall(command("SALE.CREATE", "drop", starts, starts + HOUR_MS, "RATE", 1_000))
    reply(lines)
    tickets, began = [], time.monotonic()
    for first in range(0, PEOPLE, AT_ONCE):
        buyers = range(first, min(first + AT_ONCE, PEOPLE))
        wire.sendall(b"".join(command("SALE.JOIN", "drop", f"buyer-{buyer}") for buyer in buyers))
        tickets += [reply(lines)[b"ticket"].decode() for _ in buyers]
    return tickets, time.monotonic() - began, starts


def get(server, path):
    front = http.client.HTTPConnection(server.http)
    front.request("GET", path)
    return json.load(front.getresponse())


def drawn(server, starts):
    """How many seconds after the start the draw is over."""
    while True:
        told = get(server, "/v1/sales/drop")
        if told["state"] == "running":
            assert told["listed"] == PEOPLE, told
            return max(0, time.time() - starts / 1_000)
        time.sleep(0.01)


SCRIPT = """
local requests = {}
for ticket in io.lines("%s") do
  requests[#requests + 1] = wrk.format("GET", "/v1/sales/drop/position?ticket=" .. ticket)
end
function init() math.randomseed(1) end
function request() return requests[math.random(#requests)] end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("SAW %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""

print(machine())
with tempfile.TemporaryDirectory(dir=os.environ["BENCH_DIR"]) as folder, Server(f"{folder}/data", "1GiB") as server:
    tickets, took, starts = enter(server)
    print(f"{PEOPLE:,} people entered in {took:.1f} s, one connection, {PEOPLE / took:,.0f}/s")
    time.sleep(max(0, starts / 1_000 - time.time()))
    print(f"drawn {drawn(server, starts):.2f} s after the start")
    print(f"resident {server.memory('VmRSS') >> 20} MiB")
    with open(f"{folder}/tickets", "w") as file:
        file.write("\n".join(tickets))
    with open(f"{folder}/polls.lua", "w") as file:
        file.write(SCRIPT % f"{folder}/tickets")
    for round in range(1, ROUNDS + 1):
        cpu, edge = server.cpu_s(), server.at_edge()
        wrk = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", f"{folder}/polls.lua", f"http://{server.http}"]
        told = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
        saw = re.search(r"^SAW (.*)$", told, re.M)[1].split()
        polls, us, p50, p99, p999, failed = map(int, saw)
        used = (server.cpu_s() - cpu) / polls * 1e6
        share = (server.at_edge() - edge) / polls
        print(f"polls  round {round}  {polls / us * 1e6:9,.0f}/s   p50 {p50 / 1e3:.2f} ms   p99 {p99 / 1e3:.2f} ms"
              f"   p99.9 {p999 / 1e3:.2f} ms   server {used:.0f} us each   at the edge {share:.4%}   failed {failed}")
PY
