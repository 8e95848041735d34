#!/usr/bin/env bash
# Paid orders a second from a sale over HTTP: people join, poll, take a token, buy, pay at a sandbox and look at their
# order, with the client and the payment provider beside the server.
#
# wrk keeps CONNECTIONS (256) busy for SECONDS_EACH (30), one person behind another; what counts is how many orders came into `paid` on the server meanwhile,
# by the webhooks of the sandbox. ROUNDS (3). Needs wrk (Debian: apt-get install wrk). The folder is made in
# BENCH_DIR (here).
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x target/release/tidegate ] || cargo build --release --quiet
export SECONDS_EACH=${SECONDS_EACH:-30} ROUNDS=${ROUNDS:-3} CONNECTIONS=${CONNECTIONS:-256} BENCH_DIR=${BENCH_DIR:-.}
export PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'PY'
import base64, http.client, json, os, pathlib, re, signal, socket, subprocess, tempfile, time
from server import BINARY, Server, machine

SECONDS, ROUNDS, CONNECTIONS = (int(os.environ[name]) for name in ("SECONDS_EACH", "ROUNDS", "CONNECTIONS"))
PAID = 'tidegate_order_paid_total'
CONFIG = """
[providers.bank]
create = "{url}/v1/payments"
query = "{url}/v1/payments/{{id}}"
refund = "{url}/v1/payments/{{id}}/refunds"
webhook_secret_file = "{secret}"
[hosts."{host}"]
concurrency = 256
"""


def ask(server, path, body, method="POST"):
    front = http.client.HTTPConnection(server.http)
    front.request(method, path, json.dumps(body), {"content-type": "application/json"})
    answer = front.getresponse()
    told = answer.read()
    assert answer.status in (200, 201), (path, answer.status, told)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def provider(folder, server_port):
    """A sandbox whose buyers pay at once."""
    secret = pathlib.Path(folder, "secret")
    secret.write_text("whsec_" + base64.b64encode(os.urandom(32)).decode())
    command = [BINARY, "pay-sandbox", "--listen", "127.0.0.1:0", "--pay-after", "0..50"]
    command += ["--webhook-url", f"http://127.0.0.1:{server_port}/v1/payments/bank/webhook"]
    command += ["--webhook-secret-file", str(secret)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("HTTP"):
            return process, line.split()[1], secret
    raise SystemExit("the sandbox ended before it was ready")


def round_of(number, folder):
    port = free_port()
    sandbox, url, secret = provider(folder, port)
    config = pathlib.Path(folder, "tidegate.toml")
    config.write_text(CONFIG.format(url=url, secret=secret, host=url.removeprefix("http://")))
    try:
        flags = ["--config", str(config)]
        with Server(f"{folder}/data-{number}", "1GiB", f"127.0.0.1:{port}", flags) as server:
            measure(number, server, sandbox)
    finally:
        sandbox.kill()
        sandbox.wait()


def measure(number, server, sandbox):
    for thing in range(50):
        ask(server, f"/v1/stock/thing-{thing}", {"total": 100_000_000}, "PUT")
    now_ms = int(time.time() * 1000)
    goods = [{"sku": f"thing-{thing}", "unit_price": 1999} for thing in range(50)]
    sale = {"id": "drop", "starts_at_ms": now_ms, "ends_at_ms": now_ms + 3_600_000, "rate": 100_000}
    ask(server, "/v1/sales", {**sale, "goods": goods, "currency": "EUR", "visit_ms": 1_000})
    time.sleep(2)
    before, cpu_before, at = server.metric(PAID), server.cpu_s(), time.monotonic()
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", "bench/sale-orders.lua", f"http://{server.http}"]
    told = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    paid, cpu_s, seconds = server.metric(PAID) - before, server.cpu_s() - cpu_before, time.monotonic() - at
    requests, micros, p50, p99, p999 = map(int, re.search(r"SAW (.*)", told)[1].split())
    print(f"round {number}   {paid / seconds:8,.0f} paid orders/s   {requests * 1e6 / micros:9,.0f} requests/s   "
          f"p50 {p50 / 1e3:.2f} ms   p99 {p99 / 1e3:.2f} ms   p99.9 {p999 / 1e3:.2f} ms   "
          f"server {cpu_s * 1e6 / max(paid, 1):.0f} us each", flush=True)


print(machine(), f"{CONNECTIONS} connections", sep=", ", flush=True)
with tempfile.TemporaryDirectory(prefix="bench-sale-orders.", dir=os.environ["BENCH_DIR"]) as folder:
    for number in range(1, ROUNDS + 1):
        round_of(number, folder)
PY
