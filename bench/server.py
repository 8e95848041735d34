"""A server under measurement: started, loaded, looked at from outside, stopped or killed."""

import http.client
import json
import os
import pathlib
import platform
import re
import signal
import struct
import subprocess
import sys
import time

BINARY = "target/release/tidegate"
CONNECTIONS = 50
TICKS = os.sysconf("SC_CLK_TCK")

# So that what is to be tidied up is: servers are killed, folders go.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def machine():
    with open("/proc/cpuinfo") as lines:
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
    return f"{os.cpu_count()} cores, {model}, kernel {platform.release()}, {version.stdout.strip()}"


def bytes_of(size):
    """`128MiB` as the server reads it."""
    units = {"KiB": 10, "MiB": 20, "GiB": 30}
    return int(size[:-3]) << units[size[-3:]]


class Server:
    """A running server; as a context it is killed at the end."""

    def __init__(self, data, memory, http="127.0.0.1:0", flags=()):
        self.data = pathlib.Path(data)
        began = time.monotonic()
        addresses = ["--resp", "127.0.0.1:0", "--http", http]
        command = [BINARY, "serve", "--data", data, "--memory", memory, *addresses, *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("RESP"):
                self.addr = line.split()[1]
            if line.startswith("HTTP"):
                self.http = line.split()[1].removeprefix("http://")
            if line.startswith("ready"):
                break
        else:
            sys.exit("the server ended before it was ready")
        self.ready_s = time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """How many seconds it took."""
        began = time.monotonic()
        self.process.terminate()
        if self.process.wait() != 0:
            sys.exit("the server did not stop in order")
        return time.monotonic() - began

    def memory(self, name):
        """`VmRSS`, what is resident now, or `VmHWM`, the most there ever was; in bytes."""
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))

    def cpu_s(self):
        """Seconds of processor time that it has had."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def metric(self, name):
        """A figure of its metrics page, by its name with labels."""
        front = http.client.HTTPConnection(self.http)
        front.request("GET", "/metrics")
        text = front.getresponse().read().decode()
        found = re.search(f"^{re.escape(name)} (\\d+)", text, re.M)
        return int(found[1]) if found else 0

    def at_edge(self):
        """Requests that were answered without their partition."""
        return self.metric("tidegate_requests_at_edge_total")

    def on_disk(self):
        """Bytes of the base and of the log."""
        sizes = [0, 0]
        for file in self.data.rglob("*"):
            try:
                is_log = file.parent == self.data
                sizes[is_log] += file.stat().st_blocks * 512
            except FileNotFoundError:
                pass  # The server has just removed it.
        return sizes

    def checkpoints(self):
        """How many there have been, and whether one is under way, as the mark says."""
        try:
            mark = (self.data / "checkpoint").read_bytes()
        except FileNotFoundError:
            return 0, False
        phase, number = struct.unpack_from("<B7xQ", mark, 16)
        return (number, False) if phase == 2 else (number - 1, True)

    def bench(self, *flags):
        """A benchmark that runs."""
        command = [BINARY, "bench", "--json", "--addr", self.addr, "--connections", str(CONNECTIONS)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*command, *map(str, flags)], **pipes, text=True)

    def gone(self, skus):
        """Units of the SKUs of the benchmark that are held or sold."""
        front = http.client.HTTPConnection(self.http)
        gone = 0
        for n in range(skus):
            front.request("GET", f"/v1/stock/bench-hold-{n:04}")
            sku = json.load(front.getresponse())
            gone += sku["held"] + sku["sold"]
        return gone


def figures(bench, codes=(0,)):
    """What a benchmark saw, once it has ended."""
    out, errors = bench.communicate()
    if bench.returncode not in codes:
        sys.exit(errors)
    return json.loads(out)
