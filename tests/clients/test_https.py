"""The server asks a payment provider over https, and only one that the machine's roots vouch for.

The roots are those of a CA made here, which `SSL_CERT_FILE` names in place of the machine's.
"""

import re
import urllib.request

import pytest
import redis
import trustme
from conftest import as_map, items, until
from provider import Provider

SETTINGS = """\
[providers.bank]
create = "https://{host}/v1/payments"
query = "https://{host}/v1/payments/{{id}}"
refund = "https://{host}/v1/payments/{{id}}/refunds"
token_file = "{token}"

[hosts."{host}"]
private = true
"""


@pytest.fixture
def shop(start_server, tmp_path):
    """Starts a server that pays at `provider` and trusts what `roots` says; gives it and a client."""
    clients = []

    def start(provider, roots):
        token, trusted, settings = (tmp_path / name for name in ("token", "roots.pem", "settings.toml"))
        token.write_text("letmein\n", encoding="ascii")
        trusted.write_bytes(roots)
        settings.write_text(SETTINGS.format(host=provider.host, token=token), encoding="utf-8")
        server = start_server(settings=settings, trusted=trusted)
        clients.append(redis.Redis(port=server.port, protocol=3, decode_responses=True))
        return server, clients[-1].execute_command

    yield start
    for client in clients:
        client.close()


def place(run):
    run("STOCK.SET", "tee", 3)
    placed = as_map(run("ORDER.PLACE", "o", "ana", 1, "tee", 2, 1999, "CURRENCY", "EUR"))
    assert placed["state"] == "reserved"


def figures(server, host):
    """Answered and failed calls to the host, as the metrics tell."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=15) as page:
        text = page.read().decode()
    label = re.escape(f'{{host="{host}"}}')
    names = ("answered", "failed")
    return tuple(int(re.search(rf"^tidegate_courier_{name}_total{label} (\d+)$", text, re.M)[1]) for name in names)


def test_order_is_paid_over_https_under_one_idempotency_key(shop):
    ca = trustme.CA()
    with Provider(ca.issue_cert("localhost"), troubles=1) as provider:
        server, run = shop(provider, ca.cert_pem.bytes())
        place(run)
        paid = as_map(run("ORDER.PAY", "o", "p", "bank"))
        assert (paid["state"], paid["payment_state"], paid["amount"]) == ("paid", "paid", 3998)
        assert paid["checkout_url"] == f"https://{provider.host}/checkout/{paid['number']}"
        assert as_map(run("STOCK.GET", "tee"))["sold"] == 2
        first, again = provider.requests
        assert list(provider.payments) == [paid["number"]]
        assert (first.method, first.path) == ("POST", "/v1/payments") and first.body == again.body
        keys = {request.headers["idempotency-key"] for request in (first, again)}
        assert len(keys) == 1 and re.fullmatch(r"\d+", keys.pop())
        for request in (first, again):
            assert request.tls == "TLSv1.3" and request.headers["authorization"] == "Bearer letmein"
        until(lambda: figures(server, provider.host) == (1, 1), "one call failed, one was answered")
        assert provider.alerts == []


# Who the certificate is for, whose roots are trusted, and what is said of it on either side.
STRANGERS = {
    "another_ca": ("localhost", lambda _: trustme.CA().cert_pem.bytes(), "UnknownIssuer", "UNKNOWN_CA"),
    "no_ca": ("localhost", lambda _: b"", "UnknownIssuer", "UNKNOWN_CA"),
    "another_name": ("pay.example", lambda ca: ca.cert_pem.bytes(), "not valid for name", "BAD_CERTIFICATE"),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_provider_that_cannot_show_who_it_is_is_sent_nothing_and_that_is_told(shop, stranger):
    name, roots, why, alert = STRANGERS[stranger]
    ca = trustme.CA()
    with Provider(ca.issue_cert(name)) as provider:
        server, run = shop(provider, roots(ca))
        place(run)
        with pytest.raises(redis.ResponseError, match="PENDING"):
            run("ORDER.PAY", "o", "p", "bank", "WAIT", 0)
        tried = until(lambda: [call for call in items(run("CALL.LIST")) if call["history"]], "a try that failed")
        assert [(call["action"], call["key"]) for call in tried] == [("create", "o")]
        assert why in as_map(tried[0]["history"][0])["why"]
        until(lambda: figures(server, provider.host)[1] > 0, "the failure is counted")
        until(lambda: provider.alerts, "the provider heard why")
        assert all(heard.endswith(alert) for heard in provider.alerts), provider.alerts
        assert provider.requests == [] and figures(server, provider.host)[0] == 0
        order = as_map(run("ORDER.GET", "o"))
        assert order["state"] == "paying" and [as_map(one)["state"] for one in order["payments"]] == ["open"]
        assert as_map(run("STOCK.GET", "tee"))["sold"] == 0
