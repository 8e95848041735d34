"""redis-py sends a command again when its connection is lost. With an id nothing happens twice.

A proxy passes the request on and takes the reply away, so that the client cannot know whether the
command was carried out. It was, and the client asks again by itself.
"""

import pytest
import redis
from conftest import as_map, items
from proxy import Proxy
from redis.backoff import ConstantBackoff
from redis.retry import Retry

RETRIES = 20


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request):
    return request.param


def resending(proxy, protocol):
    """A client that waits 10 ms between one try and the next."""
    return redis.Redis(
        port=proxy.port,
        protocol=protocol,
        decode_responses=True,
        retry=Retry(ConstantBackoff(0.01), RETRIES),
        socket_timeout=15,
    )


@pytest.fixture
def proxy(server):
    with Proxy(server.address) as proxy:
        yield proxy


@pytest.fixture
def client(proxy, protocol):
    with resending(proxy, protocol) as client:
        yield client


def figures(client, sku):
    info = as_map(client.execute_command("STOCK.GET", sku))
    assert info["total"] == info["available"] + info["held"] + info["sold"]
    return info["available"], info["held"], info["sold"]


def kinds(client, sku):
    return [entry["kind"] for entry in items(client.execute_command("STOCK.FLOW", sku))]


def test_hold_whose_reply_is_lost_is_sent_again_and_held_once(client, proxy, sku):
    client.execute_command("STOCK.SET", sku, 10)
    proxy.cut(b"STOCK.HOLD")
    held = as_map(client.execute_command("STOCK.HOLD", sku, "a", 3))
    assert proxy.cuts == 1 and proxy.requests.count(b"STOCK.HOLD") == 2
    assert held["repeated"] == 1 and (held["state"], held["quantity"]) == ("held", 3)
    assert figures(client, sku) == (7, 3, 0) and kinds(client, sku) == ["set", "hold"]


def test_client_with_its_default_retries_holds_once(proxy, protocol, sku):
    with redis.Redis(port=proxy.port, protocol=protocol, decode_responses=True) as client:
        client.execute_command("STOCK.SET", sku, 10)
        proxy.cut(b"STOCK.HOLD")
        held = as_map(client.execute_command("STOCK.HOLD", sku, "a", 3))
        assert proxy.cuts == 1 and held["repeated"] == 1
        assert figures(client, sku) == (7, 3, 0)


STEPS = [
    ("STOCK.ADD {sku} delivery 5", ["add"]),
    ("STOCK.HOLD {sku} b 2 BUYER ann MAX 4", ["hold"]),
    ("STOCK.CONFIRM {sku} a", ["confirm"]),
    ("STOCK.RELEASE {sku} a", ["release"]),
    ("STOCK.RETURN {sku} sold back QTY 1", ["return"]),
    ("STOCK.RETURN {sku} sold back", ["return"]),
]


@pytest.mark.parametrize("command, steps", STEPS, ids=[step[0].split()[0] + step[0][-6:] for step in STEPS])
def test_every_command_with_an_id_acts_once_and_says_that_it_repeats(client, proxy, sku, command, steps):
    client.execute_command("STOCK.SET", sku, 10)
    client.execute_command("STOCK.HOLD", sku, "a", 2)
    client.execute_command("STOCK.HOLD", sku, "sold", 2)
    client.execute_command("STOCK.CONFIRM", sku, "sold")
    before = kinds(client, sku)
    words = command.format(sku=sku).split()
    proxy.cut(words[0].encode())
    assert as_map(client.execute_command(*words))["repeated"] == 1
    assert proxy.cuts == 1
    assert kinds(client, sku) == before + steps


def test_declaration_sent_again_changes_nothing(client, proxy, sku):
    proxy.cut(b"STOCK.SET")
    declared = as_map(client.execute_command("STOCK.SET", sku, 10))
    assert proxy.cuts == 1
    assert declared["version"] == 1 and kinds(client, sku) == ["set"]


def test_refusal_whose_reply_is_lost_is_refused_again(client, proxy, sku):
    client.execute_command("STOCK.SET", sku, 1)
    proxy.cut(b"STOCK.HOLD")
    with pytest.raises(redis.ResponseError, match="^SOLDOUT available=1"):
        client.execute_command("STOCK.HOLD", sku, "a", 2)
    assert proxy.cuts == 1 and kinds(client, sku) == ["set"]


def test_minted_id_acts_twice_when_sent_again(client, proxy, sku):
    """Why a caller who cannot bear it gives an id: `*` accepts it."""
    client.execute_command("STOCK.SET", sku, 10)
    proxy.cut(b"STOCK.HOLD")
    assert as_map(client.execute_command("STOCK.HOLD", sku, "*", 3))["repeated"] == 0
    assert figures(client, sku) == (4, 6, 0)


def test_pipeline_cut_among_its_replies_is_sent_again_and_acts_once(client, proxy, sku):
    client.execute_command("STOCK.SET", sku, 150)
    proxy.cut(b"STOCK.HOLD", reply=b"h20\r\n")
    with client.pipeline(transaction=False) as pipe:
        for n in range(100):
            pipe.execute_command("STOCK.HOLD", sku, f"h{n}", 1)
        receipts = [as_map(reply) for reply in pipe.execute()]
    assert proxy.cuts == 1
    assert [one["id"] for one in receipts] == [f"h{n}" for n in range(100)]
    assert all(one["repeated"] for one in receipts[:21])
    assert figures(client, sku) == (50, 100, 0)


# Across a crash of the server


def restarted(server, proxy):
    """Kills the server and starts it on the same folder, before the client notices anything."""

    def meanwhile():
        server.kill()
        proxy.target = server.start().address

    return meanwhile


def test_acknowledged_hold_is_repeated_by_the_server_that_follows_a_kill(start_server, protocol, sku):
    server = start_server()
    with Proxy(server.address) as proxy, resending(proxy, protocol) as client:
        client.execute_command("STOCK.SET", sku, 10)
        proxy.cut(b"STOCK.HOLD", meanwhile=restarted(server, proxy))
        held = as_map(client.execute_command("STOCK.HOLD", sku, "a", 3))
        assert proxy.cuts == 1 and held["repeated"] == 1, "the reply left, so the hold was durable"
        assert figures(client, sku) == (7, 3, 0) and kinds(client, sku) == ["set", "hold"]


def test_hold_killed_before_its_reply_is_held_once_by_the_server_that_follows(start_server, protocol, sku):
    """Whether the killed server had it or not, in the end there is one."""
    server = start_server()
    with Proxy(server.address) as proxy, resending(proxy, protocol) as client:
        client.execute_command("STOCK.SET", sku, 100)
        for n in range(5):
            proxy.cut(b"STOCK.HOLD", reply=None, meanwhile=restarted(server, proxy))
            held = as_map(client.execute_command("STOCK.HOLD", sku, f"h{n}", 3))
            assert (held["state"], held["quantity"]) == ("held", 3)
        assert proxy.cuts == 5
        assert figures(client, sku) == (85, 15, 0) and kinds(client, sku) == ["set"] + ["hold"] * 5


def test_pipeline_killed_in_the_middle_acts_once(start_server, protocol, sku):
    server = start_server()
    with Proxy(server.address) as proxy, resending(proxy, protocol) as client:
        client.execute_command("STOCK.SET", sku, 1_500)
        proxy.cut(b"STOCK.HOLD", reply=b"h300\r\n", meanwhile=restarted(server, proxy))
        with client.pipeline(transaction=False) as pipe:
            for n in range(1_000):
                pipe.execute_command("STOCK.HOLD", sku, f"h{n}", 1)
            receipts = [as_map(reply) for reply in pipe.execute()]
        assert proxy.cuts == 1
        assert all(one["repeated"] for one in receipts[:301]), "what was acknowledged is durable"
        assert figures(client, sku) == (500, 1_000, 0)
        assert kinds(client, sku)[:2] == ["set", "hold"]
