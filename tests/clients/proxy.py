"""A TCP proxy on loopback that can lose replies."""

import socket
import threading


class Proxy:
    """Passes bytes between clients and a server, notes the requests, and cuts on demand.

    `cut(needle, …)` arms it once: the first connection on which `needle` passes towards the server
    has the reply to it taken away and is closed.
    """

    def __init__(self, target):
        self.target = target
        self.requests = bytearray()
        self.cuts = 0
        self._armed = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def cut(self, needle, reply=b"\r\n", meanwhile=lambda: None):
        """Cuts once `needle` has reached the server and `reply` has come back from it; with
        `reply=None` it does not wait for that. `meanwhile` runs before the client notices."""
        self._armed = (needle, reply, meanwhile)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            _Link(self, client, server).start()

    def _disarm(self, seen):
        """What to do if this connection is the one to be cut."""
        with self._lock:
            if self._armed is None or self._armed[0] not in seen:
                return None
            armed, self._armed = self._armed, None
            self.cuts += 1
            return armed


class _Link:
    """One client's connection through the proxy."""

    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.is_cut = threading.Event()
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self):
        threading.Thread(target=self._requests, daemon=True).start()
        threading.Thread(target=self._replies, daemon=True).start()

    def _requests(self):
        seen = b""
        try:
            while piece := self.client.recv(1 << 16):
                self.proxy.requests += piece
                seen = seen[-256:] + piece
                if armed := self.proxy._disarm(seen):
                    _, self.reply, self.meanwhile = armed
                    self.is_cut.set()
                    self.server.sendall(piece)
                    if self.reply is None:
                        self._end()
                else:
                    self.server.sendall(piece)
            self.server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _replies(self):
        lost = b""
        try:
            while piece := self.server.recv(1 << 16):
                if not self.is_cut.is_set():
                    self.client.sendall(piece)
                    continue
                lost += piece
                if self.reply is not None and self.reply in lost:
                    return self._end()
        except OSError:
            pass
        if not self.is_cut.is_set():
            self.client.close()
        return None

    def _end(self):
        self.meanwhile()
        for end in (self.server, self.client):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
