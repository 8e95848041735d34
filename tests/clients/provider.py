"""A payment provider behind https on loopback: what of `docs/pay-sandbox.openapi.yaml` makes and tells payments."""

import json
import ssl
import threading
import time
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Request = namedtuple("Request", "method path headers body tls")


class Provider:
    """Makes payments, which are paid at once, and notes who asked for what, and who went away instead.

    The first `troubles` answers are 503.
    """

    def __init__(self, certificate, troubles=0):
        self.troubles = troubles
        self.requests = []
        self.alerts = []  # of peers that did not go on with the handshake: why, as they say
        self.payments = {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._server = _HttpsServer(self, context)
        self.host = f"localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request):
        """A status and what is told."""
        self.requests.append(request)
        if self.troubles > 0:
            self.troubles -= 1
            return 503, {"error": "on purpose"}
        if (request.method, request.path) == ("POST", "/v1/payments"):
            return self._create(json.loads(request.body))
        payment = self.payments.get(request.path.removeprefix("/v1/payments/"))
        if request.method != "GET" or payment is None:
            return 404, {"error": "there is no such payment"}
        return 200, payment

    def _create(self, asked):
        is_new = asked["id"] not in self.payments
        paid = {"status": "paid", "paid_amount": asked["amount"], "paid_at_ms": int(time.time() * 1000)}
        payment = {name: asked[name] for name in ("id", "order", "amount", "currency")}
        payment |= paid | {"checkout_url": f"https://{self.host}/checkout/{asked['id']}", "refunds": []}
        return (201 if is_new else 200), self.payments.setdefault(asked["id"], payment)


class _HttpsServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider, context):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider
        self._context = context

    def finish_request(self, request, client_address):
        # In the thread of the connection: a peer that is silent keeps no other waiting.
        try:
            encrypted = self._context.wrap_socket(request, server_side=True)
        except ssl.SSLError as error:
            self.provider.alerts.append(error.reason)
            return
        with encrypted:
            super().finish_request(encrypted, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = Request(self.command, self.path, self.headers, body, self.connection.version())
        status, told = self.server.provider.answer(request)
        text = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer

    def log_message(self, *_):
        pass
