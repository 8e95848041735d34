"""The server and the payment provider under the ledger: real processes, started, killed, stopped."""

import asyncio
import base64
import collections
import json
import os
import pathlib
import re
import signal
import socket
import urllib.request

CONFIG = """\
[providers.bank]
create = "{provider}/v1/payments"
query = "{provider}/v1/payments/{{id}}"
refund = "{provider}/v1/payments/{{id}}/refunds"
webhook_secret_file = "{secret}"
ask_after_ms = {ask_after_ms}
window_ms = {window_ms}
"""

# More of them the settings do not take.
ASKS_MAX = 32
# What the server counts while it lives, so before each kill.
COUNTED = ("order_webhooks_applied", "order_webhooks_repeated", "courier_answered", "courier_failed")


def free_ports(count):
    """Ports that nobody has now: the server is to come back where it was."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def fetch(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


async def ready(process, what):
    """Lines up to the one that says that it serves."""
    lines = []
    while line := (await process.stdout.readline()).decode():
        if line.startswith("ready"):
            return lines
        lines.append(line)
    raise RuntimeError(f"the {what} ended before it was ready")


def ask_plan(ttl_ms, late_ms):
    """When the provider is asked: a few times before an order expires, then until the latest have paid."""
    before = [ttl_ms // 8, ttl_ms // 4, ttl_ms // 2]
    rest_ms = max(2_000, late_ms // 8)
    return before + [ttl_ms + 500 + rest_ms * n for n in range(ASKS_MAX - len(before))]


class Provider:
    """`tidegate pay-sandbox`."""

    def __init__(self, binary, folder, webhook_url, flags):
        self.secret = pathlib.Path(folder, "secret")
        self.secret.write_text("whsec_" + base64.b64encode(os.urandom(32)).decode())
        self.command = [binary, "pay-sandbox", "--listen", "127.0.0.1:0", *map(str, flags)]
        self.command += ["--webhook-url", webhook_url, "--webhook-secret-file", self.secret]
        self.process = None

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=asyncio.subprocess.PIPE)
        lines = await ready(self.process, "provider")
        self.url = next(line.split()[1] for line in lines if line.startswith("HTTP"))

    async def ledger(self):
        lines = await asyncio.to_thread(fetch, f"{self.url}/v1/ledger")
        # As one document, so that the names of its fields are kept once.
        return json.loads(f"[{','.join(lines.splitlines())}]")

    async def stop(self):
        """What it prints at its end: names with figures."""
        self.process.send_signal(signal.SIGINT)
        out, _ = await self.process.communicate()
        figures = re.findall(r"^ *(.+?) +([\d,]+)$", out.decode(), re.MULTILINE)
        return {name: int(figure.replace(",", "")) for name, figure in figures}


class Server:
    """`tidegate serve`, at the same addresses in every life."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.data = self.folder / "data"
        resp, http = free_ports(2)
        self.resp, self.http = f"127.0.0.1:{resp}", f"127.0.0.1:{http}"
        self.counted = collections.Counter()
        self.process = None
        self.is_to_end = False
        self.died = asyncio.Event()

    def configure(self, provider, ttl_ms, late_ms):
        settings = {"provider": provider.url, "secret": provider.secret, "window_ms": ttl_ms + late_ms}
        text = CONFIG.format(**settings, ask_after_ms=ask_plan(ttl_ms, late_ms))
        (self.folder / "tidegate.toml").write_text(text)

    async def start(self):
        command = [self.binary, "serve", "--config", self.folder / "tidegate.toml", "--data", self.data]
        command += ["--resp", self.resp, "--http", self.http]
        self.process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        await ready(self.process, "server")
        self.is_to_end = False
        self.watching = asyncio.create_task(self.watch(self.process))

    async def watch(self, process):
        """Nothing but this script may end it."""
        await process.wait()
        if not self.is_to_end:
            self.died.set()

    async def count(self):
        """Adds what this life has counted."""
        metrics = await asyncio.to_thread(fetch, f"http://{self.http}/metrics")
        for name in COUNTED:
            values = re.findall(rf"^tidegate_{name}_total(?:{{.*}})? (\d+)$", metrics, re.MULTILINE)
            self.counted[name] += sum(map(int, values))

    async def kill(self):
        await self.count()
        self.is_to_end = True
        self.process.kill()
        await self.process.wait()

    async def stop(self):
        await self.count()
        self.is_to_end = True
        self.process.terminate()
        if await self.process.wait() != 0:
            raise RuntimeError("the server did not stop in order")

    async def check(self):
        """What `tidegate check` says of the stopped folder."""
        command = [self.binary, "check", "--json", self.data]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return json.loads(out)


async def end(*all_of_them):
    """Whatever still runs ends."""
    for one in all_of_them:
        if one.process and one.process.returncode is None:
            one.process.kill()
            await one.process.wait()
