"""A server in a temporary folder, and what the tests of all clients share."""

import itertools
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

KIB = 1 << 10

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TIDEGATE_BINARY", ROOT / "target/debug/tidegate")

# A start zeroes a segment and replays the log: well under a second, on a busy machine a few.
START_DEADLINE_S = 30
# An answer on loopback takes a sync; a machine shared by several test runs makes it seconds.
ANSWER_DEADLINE_S = 15


def until(condition, what, deadline_s=ANSWER_DEADLINE_S):
    """Asks until the condition holds and gives its value; fails after the deadline."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.005)
    return value


def as_map(reply):
    """A reply's fields by name: RESP3 gives a map, RESP2 a flat array, bytes or text."""
    if isinstance(reply, dict):
        pairs = reply.items()
    else:
        pairs = zip(reply[::2], reply[1::2], strict=True)
    return {text(name): value for name, value in pairs}


def items(reply):
    """The items of a page, each by field names."""
    return [as_map(item) for item in as_map(reply)["items"]]


def text(value):
    return value.decode() if isinstance(value, bytes) else value


class Server:
    """A `tidegate serve` on a folder, on ports of its own choice."""

    def __init__(self, folder, password=None, settings=None, trusted=None):
        self.folder = folder
        self.password = password
        self.settings = settings  # a file
        self.trusted = trusted  # a file of the roots that stand for those of the machine
        self.process = None
        self.port = 0  # one that is free, and from then on the same

    def start(self):
        own = {"TIDEGATE_PASSWORD": self.password, "SSL_CERT_FILE": self.trusted, "SSL_CERT_DIR": None}
        environment = {k: v for k, v in os.environ.items() if k not in own}
        environment |= {k: v for k, v in own.items() if v is not None}
        self.stderr = open(self.folder.with_suffix(".stderr"), "a+", encoding="utf-8")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.folder]
            + ["--resp", f"127.0.0.1:{self.port}", "--http", "127.0.0.1:0"]
            + (["--config", self.settings] if self.settings else []),
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
            env=environment,
        )
        printed = queue.Queue()
        threading.Thread(target=self._drain, args=(printed,), daemon=True).start()
        self._await_ready(printed)
        return self

    def _drain(self, printed):
        for line in self.process.stdout:
            printed.put(line)
        printed.put(None)

    def _await_ready(self, printed):
        end = time.monotonic() + START_DEADLINE_S
        lines = []
        while lines[-1:] != ["ready\n"]:
            try:
                line = printed.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                self.kill()
                pytest.fail(f"no `ready` within {START_DEADLINE_S} s: {lines}")
            if line is None:
                pytest.fail(f"the server ended: {lines} {self.complaints()}")
            lines.append(line)
        said = "".join(lines)
        self.port = int(re.search(r"^RESP +127\.0\.0\.1:(\d+)", said, re.M)[1])
        self.url = re.search(r"^HTTP +(http://127\.0\.0\.1:\d+)", said, re.M)[1]

    @property
    def address(self):
        return "127.0.0.1", self.port

    def connect(self, receive_bytes=None):
        """A raw connection, none of whose calls blocks longer than the deadline."""
        peer = socket.socket()
        if receive_bytes is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        peer.settimeout(ANSWER_DEADLINE_S)
        peer.connect(self.address)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer

    def kill(self):
        """`kill -9`, by its process id."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(ANSWER_DEADLINE_S)

    def stop(self):
        """Stops it as a service manager would; the folder it leaves must be sound."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            assert self.process.wait(START_DEADLINE_S) == 0, self.complaints()
        assert "panicked" not in self.complaints(), self.complaints()
        check = subprocess.run(
            [BINARY, "check", self.folder], capture_output=True, text=True, timeout=60, check=False
        )
        assert check.returncode == 0, check.stdout + check.stderr

    def complaints(self):
        """What it wrote to standard error."""
        self.stderr.flush()
        return Path(self.stderr.name).read_text(encoding="utf-8")

    def begin_peak(self):
        """Forgets the peak of its resident memory; gives the memory that it has now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")
        return self.peak_bytes()

    def peak_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) * KIB

    def sockets(self):
        """How many sockets it has open."""
        count = 0
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                count += os.readlink(descriptor).startswith("socket:")
            except FileNotFoundError:
                pass  # closed meanwhile
        return count


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that most tests share; each has SKUs of its own."""
    shared = Server(tmp_path_factory.mktemp("shared") / "data").start()
    yield shared
    shared.stop()


@pytest.fixture
def start_server(tmp_path):
    """Starts servers that a test may kill, starve or fill; each in a folder of its own."""
    started = []

    def start(**options):
        folder = tmp_path / f"data-{len(started)}"
        started.append(Server(folder, **options))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()


_numbers = itertools.count(1)


@pytest.fixture
def sku():
    """The name of a SKU that no other test uses."""
    return f"sku-{next(_numbers)}"
