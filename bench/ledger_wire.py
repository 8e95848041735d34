"""A client of RESP3 that retries: requests have ids of their own, so a second time does no harm."""

import asyncio
import collections
import dataclasses

# What is worth asking again for: the same request, a moment later.
PASSING = ("BUSY", "PENDING")
REST_S = 0.1
REST_MAX_S = 2.0


@dataclasses.dataclass
class Refused:
    """An error of the server: its code, and what it tells."""

    code: str
    facts: dict


class Incomplete(Exception):
    """The rest is still to come."""


def read(data, at):
    """The value that begins at `at`, and where the next one does."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    kind, text, at = data[at], data[at + 1 : end], end + 2
    if kind == ord("$"):
        end = at + int(text)
        if len(data) < end + 2:
            raise Incomplete
        return data[at:end].decode(), end + 2
    if kind in b"*%":
        items = []
        for _ in range(int(text) * (2 if kind == ord("%") else 1)):
            item, at = read(data, at)
            items.append(item)
        return (items if kind == ord("*") else dict(zip(items[::2], items[1::2]))), at
    if kind == ord("-"):
        code, *facts = text.decode().split(" ")
        return Refused(code, dict(fact.split("=", 1) for fact in facts if "=" in fact)), at
    simple = {"+": bytes.decode, ":": int, "#": lambda text: text == b"t", "_": lambda _: None}
    return simple[chr(kind)](text), at


def written(arguments):
    parts = [str(argument).encode() for argument in arguments]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Connection(asyncio.Protocol):
    """Answers come in the order of the requests."""

    def __init__(self):
        self.waiting = collections.deque()
        self.data = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        at = 0
        try:
            while at < len(self.data):
                reply, at = read(self.data, at)
                future = self.waiting.popleft()
                if not future.done():
                    future.set_result(reply)
        except Incomplete:
            pass
        self.data = self.data[at:]

    def connection_lost(self, _):
        for future in self.waiting:
            if not future.done():
                future.set_exception(ConnectionError("lost"))
        self.waiting.clear()

    def ask(self, arguments):
        if self.transport.is_closing():
            raise ConnectionError("closed")
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        self.transport.write(written(arguments))
        return future


class Client:
    """A few connections, pipelined; they come back after the server does."""

    def __init__(self, addr, connections):
        self.host, self.port = addr.rsplit(":", 1)
        self.connections = [None] * connections
        self.locks = [asyncio.Lock() for _ in self.connections]
        self.retries = collections.Counter()

    async def connected(self, at):
        async with self.locks[at]:
            connection = self.connections[at]
            if connection is None or connection.transport.is_closing():
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(Connection, self.host, self.port)
                await connection.ask(["HELLO", 3])
                self.connections[at] = connection
            return connection

    def least_busy(self):
        load = [len(one.waiting) if one else 0 for one in self.connections]
        return load.index(min(load))

    async def ask(self, *arguments):
        """The reply, or the refusal, once there is one that is for good."""
        rest_s = REST_S
        while True:
            try:
                connection = await self.connected(self.least_busy())
                reply = await connection.ask(arguments)
            except OSError:
                self.retries["lost"] += 1
            else:
                if not isinstance(reply, Refused) or reply.code not in PASSING:
                    return reply
                self.retries[reply.code.lower()] += 1
            await asyncio.sleep(rest_s)
            rest_s = min(2 * rest_s, REST_MAX_S)
