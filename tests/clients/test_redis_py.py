"""redis-py, over RESP2 and RESP3."""

import asyncio
import concurrent.futures
import time

import pytest
import redis
import redis.asyncio
from conftest import as_map, items, text, until
from proxy import Proxy
from redis.backoff import NoBackoff
from redis.retry import Retry

RECEIPT = ["sku", "id", "state", "quantity", "expires_at_ms", "available", "repeated"]
INFO = ["sku", "total", "available", "held", "sold", "version"]
HEAD = ["id", "owner", "position", "state", "quantity", "returned", "buyer", "created_at_ms", "expires_at_ms"]


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request):
    return request.param


@pytest.fixture
def client(server, protocol):
    with redis.Redis(port=server.port, protocol=protocol, decode_responses=True) as client:
        yield client


def figures(client, sku):
    """Available, held and sold units."""
    info = as_map(client.execute_command("STOCK.GET", sku))
    assert info["total"] == info["available"] + info["held"] + info["sold"]
    return info["available"], info["held"], info["sold"]


# Every command


def test_every_command_answers_with_its_fields(client, sku):
    run = client.execute_command
    declared = as_map(run("STOCK.SET", sku, 10, "ALERT", 2))
    assert list(declared) == INFO
    assert declared == {"sku": sku, "total": 10, "available": 10, "held": 0, "sold": 0, "version": 1}
    added = as_map(run("STOCK.ADD", sku, "delivery", 5))
    assert list(added) == ["sku", "id", "delta", "total", "repeated"]
    assert (added["delta"], added["total"]) == (5, 15)
    held = as_map(run("STOCK.HOLD", sku, "h", 4, "BUYER", "ann", "TTL", 600_000, "MAX", 4))
    assert list(held) == RECEIPT
    assert (held["state"], held["quantity"], held["available"]) == ("held", 4, 11)
    confirmed = as_map(run("STOCK.CONFIRM", sku, "h"))
    assert list(confirmed) == RECEIPT and confirmed["state"] == "confirmed"
    returned = as_map(run("STOCK.RETURN", sku, "h", "r", "QTY", 1))
    assert list(returned) == ["sku", "hold", "id", "quantity", "state", "returnable", "repeated"]
    assert (returned["quantity"], returned["returnable"]) == (1, 3)
    run("STOCK.HOLD", sku, "g", 2)
    released = as_map(run("STOCK.RELEASE", sku, "g"))
    assert list(released) == RECEIPT and released["state"] == "released"

    details = as_map(run("STOCK.HOLDINFO", sku, "h"))
    assert details["buyer"] == "ann" and details["returned"] == 1
    assert [as_map(step)["kind"] for step in details["history"]] == ["hold", "confirm", "return"]
    holds = items(run("STOCK.HOLDS", sku))
    assert [list(hold) for hold in holds] == [HEAD, HEAD]
    assert [(hold["id"], hold["state"], hold["buyer"]) for hold in holds] == [
        ("h", "confirmed", "ann"),
        ("g", "released", None),
    ]
    flow = items(run("STOCK.FLOW", sku))
    assert [entry["kind"] for entry in flow] == "set add hold confirm return hold release".split()
    assert all(a["after"] == b["before"] for a, b in zip(flow, flow[1:]))
    assert as_map(run("STOCK.GET", sku)) in items(run("STOCK.LIST", "PREFIX", sku))
    assert figures(client, sku) == (12, 0, 3)


def test_pages_hang_together_by_their_cursor(client, sku):
    client.execute_command("STOCK.SET", sku, 25)
    with client.pipeline(transaction=False) as pipe:
        for n in range(25):
            pipe.execute_command("STOCK.HOLD", sku, f"h{n}", 1)
        pipe.execute()
    seen, after = [], []
    while True:
        page = client.execute_command("STOCK.HOLDS", sku, "STATE", "held", "LIMIT", 10, *after)
        seen += [hold["id"] for hold in items(page)]
        following = as_map(page)["next"]
        if following is None:
            break
        after = ["AFTER", following]
    assert seen == [f"h{n}" for n in range(25)]


def test_options_stand_in_any_order_and_case(client, sku):
    client.execute_command("stock.set", sku, 10)
    one = client.execute_command("Stock.Hold", sku, "a", 1, "MAX", 3, "ttl", 60_000, "Buyer", "b")
    other = client.execute_command("STOCK.HOLD", sku, "a", 1, "BUYER", "b", "MAX", 3, "TTL", 60_000)
    assert as_map(one)["repeated"] == 0 and as_map(other)["repeated"] == 1


def test_reply_is_a_typed_map_in_resp3_and_a_flat_array_in_resp2(client, protocol, sku):
    client.execute_command("STOCK.SET", sku, 1)
    reply = client.execute_command("STOCK.HOLD", sku, "a", 1)
    if protocol == 3:
        assert isinstance(reply, dict) and reply["repeated"] is False
    else:
        assert isinstance(reply, list) and reply[-2:] == ["repeated", 0]


# Errors


@pytest.fixture
def stocked(client, sku):
    """A SKU with a hold in each state: h held, c confirmed, r released, e expired, t returned."""
    run = client.execute_command
    run("STOCK.SET", sku, 10)
    for hold in "hcrt":
        run("STOCK.HOLD", sku, hold, 2, "BUYER", "ann")
    run("STOCK.HOLD", sku, "e", 2, "TTL", 1)
    run("STOCK.CONFIRM", sku, "c")
    run("STOCK.RELEASE", sku, "r")
    run("STOCK.CONFIRM", sku, "t")
    run("STOCK.RETURN", sku, "t", "back")
    expired = "STOCK.HOLDS", sku, "STATE", "expired"
    until(lambda: items(run(*expired)), "a hold of 1 ms expires")
    return sku


ERRORS = [
    ("STOCK.GET nowhere", "UNKNOWNSKU"),
    ("STOCK.HOLD nowhere x 1", "UNKNOWNSKU"),
    ("STOCK.HOLD {sku} x 0", "INVALIDQUANTITY min=1 max=1000000000"),
    ("STOCK.HOLD {sku} x -3", "INVALIDQUANTITY min=1 max=1000000000"),
    ("STOCK.HOLD {sku} x 1 MAX 3", "BUYERREQUIRED"),
    ("STOCK.HOLD {sku} h 1", "IDCONFLICT"),
    ("STOCK.SET {sku} 10 IF 7", "VERSIONCHANGED version=1"),
    ("STOCK.SET {sku} 3", "BELOWCOMMITTED committed=4"),
    ("STOCK.ADD {sku} x 1000000000", "ABOVEMAXIMUM max=1000000000"),
    ("STOCK.HOLD {sku} x 1 BUYER ann MAX 4", "OVERLIMIT taken=4 max=4"),
    ("STOCK.HOLD {sku} x 7", "SOLDOUT available=6"),
    ("STOCK.CONFIRM {sku} none", "HOLDNOTFOUND"),
    ("STOCK.HOLDINFO {sku} none", "HOLDNOTFOUND"),
    ("STOCK.RELEASE {sku} c", "ALREADYCONFIRMED"),
    ("STOCK.RELEASE {sku} t", "ALREADYCONFIRMED"),
    ("STOCK.CONFIRM {sku} r", "HOLDRELEASED"),
    ("STOCK.CONFIRM {sku} e", "HOLDEXPIRED"),
    ("STOCK.RELEASE {sku} e", "HOLDEXPIRED"),
    ("STOCK.RETURN {sku} h x", "NOTCONFIRMED"),
    ("STOCK.RETURN {sku} r x", "NOTCONFIRMED"),
    ("STOCK.RETURN {sku} e x", "NOTCONFIRMED"),
    ("STOCK.RETURN {sku} c x QTY 3", "RETURNEXCEEDSSOLD returnable=2"),
    ("STOCK.RETURN {sku} t x", "RETURNEXCEEDSSOLD returnable=0"),
    ("STOCK.HOLDS {sku} STATE lost", "INVALID state must be one of"),
    ("STOCK.HOLDS {sku} LIMIT 1001", "INVALID limit"),
    # redis-py takes `ERR ` off.
    ("STOCK.NONE {sku}", "unknown command 'STOCK.NONE', with args beginning with: 'sku-"),
    ("STOCK.GET", "wrong number of arguments for 'stock.get' command"),
    ("STOCK.GET {sku} more", "wrong number of arguments for 'stock.get' command"),
    ("STOCK.HOLD {sku} x", "wrong number of arguments for 'stock.hold' command"),
    ("STOCK.HOLD {sku} x 1 COLOUR red", "syntax error"),
    ("STOCK.HOLD {sku} x 1 TTL", "syntax error"),
    ("STOCK.HOLD {sku} x 1 TTL 5 TTL 5", "syntax error"),
    ("STOCK.HOLD {sku} x many", "value is not an integer or out of range"),
    ("SELECT 1", "DB index is out of range"),
    ("HELLO 4", "NOPROTO unsupported protocol version"),
    ("CLIENT NONE", "unknown subcommand 'NONE'."),
]


def test_every_no_is_told_by_its_first_word_and_changes_nothing(client, stocked):
    before = figures(client, stocked)
    for command, expected in ERRORS:
        with pytest.raises(redis.ResponseError) as error:
            client.execute_command(*command.format(sku=stocked).split())
        assert str(error.value).startswith(expected), command
    assert figures(client, stocked) == before == (6, 2, 2)


def test_error_leaves_the_connection_as_it_was(client, sku):
    own = client.client_id()
    with pytest.raises(redis.ResponseError):
        client.execute_command("STOCK.GET", sku)
    assert client.client_id() == own


# Pipelines


def test_pipeline_answers_in_order_with_each_error_in_its_place(client, sku):
    client.execute_command("STOCK.SET", sku, 600)
    with client.pipeline(transaction=False) as pipe:
        for n in range(1_000):
            pipe.execute_command("STOCK.HOLD", sku, f"h{n}", 1)
        replies = pipe.execute(raise_on_error=False)
    receipts = [as_map(reply) for reply in replies[:600]]
    assert [(one["id"], one["available"]) for one in receipts] == [
        (f"h{n}", 599 - n) for n in range(600)
    ]
    # redis-py tells whose place it is: `Command # n (…) of pipeline caused error: …`.
    assert {str(reply).rpartition("SOLDOUT")[2] for reply in replies[600:]} == {" available=0"}
    assert figures(client, sku) == (0, 600, 0)


def test_pipeline_over_many_skus_answers_in_order(client, sku):
    """SKUs lie in different partitions, whose answers come when they come."""
    skus = [f"{sku}-{n}" for n in range(200)]
    with client.pipeline(transaction=False) as pipe:
        for n, one in enumerate(skus):
            pipe.execute_command("STOCK.SET", one, n)
            pipe.echo(one)
            pipe.execute_command("STOCK.GET", one)
        replies = pipe.execute()
    for n, one in enumerate(skus):
        declared, echoed, read = replies[3 * n : 3 * n + 3]
        assert as_map(declared)["sku"] == echoed == one
        assert as_map(read)["total"] == n


def test_pipelined_command_sees_the_one_before_it(client, sku):
    with client.pipeline(transaction=False) as pipe:
        pipe.execute_command("STOCK.SET", sku, 3)
        pipe.execute_command("STOCK.HOLD", sku, "a", 2)
        pipe.execute_command("STOCK.CONFIRM", sku, "a")
        pipe.execute_command("STOCK.RETURN", sku, "a", "back")
        pipe.execute_command("STOCK.GET", sku)
        *_, info = pipe.execute()
    assert (as_map(info)["available"], as_map(info)["sold"]) == (3, 0)


def test_pipeline_that_asks_for_a_transaction_raises(client, sku):
    """There is no MULTI: who asks for one learns that there was none."""
    client.execute_command("STOCK.SET", sku, 1)
    with client.pipeline(transaction=True) as pipe:
        pipe.execute_command("STOCK.HOLD", sku, "a", 1)
        with pytest.raises(redis.ResponseError, match="transactions are not supported"):
            pipe.execute()


def test_pipeline_that_asks_for_a_transaction_changes_nothing(client, sku):
    """`pipeline()` asks for one unless told otherwise, and its caller is told that it failed."""
    client.execute_command("STOCK.SET", sku, 1)
    with client.pipeline() as pipe:
        pipe.execute_command("STOCK.HOLD", sku, "a", 1)
        with pytest.raises(redis.ResponseError):
            pipe.execute()
    assert figures(client, sku) == (1, 0, 0)


# Ids


@pytest.mark.parametrize(
    "name",
    ["a b", " leading and trailing ", "été", "漢字", "🎟️ row 7", 'q"uo\'te\\', "*x", "0", "$5", "ß" * 64],
    ids=ascii,
)
def test_id_and_sku_may_hold_any_text(client, sku, protocol, name):
    whole = f"{name}{sku}{protocol}".encode()[-128:].decode(errors="ignore")
    client.execute_command("STOCK.SET", whole, 2)
    held = as_map(client.execute_command("STOCK.HOLD", whole, name, 1, "BUYER", name))
    assert (held["sku"], held["id"]) == (whole, name)
    details = as_map(client.execute_command("STOCK.HOLDINFO", whole, name))
    assert (details["id"], details["buyer"]) == (name, name)


@pytest.mark.parametrize(
    "name", [b"", b"x" * 129, "ß".encode() * 65, b"line\nbreak", b"nul\0", b"\x7f", b"\xff\xfe", b"\xc3"],
    ids=lambda name: ascii(name[:12]),
)
def test_id_outside_the_bounds_is_invalid(client, sku, name):
    client.execute_command("STOCK.SET", sku, 1)
    for command in [("STOCK.HOLD", sku, name, 1), ("STOCK.HOLD", sku, "a", 1, "BUYER", name)]:
        with pytest.raises(redis.ResponseError, match="^INVALID (id|buyer) must "):
            client.execute_command(*command)
    with pytest.raises(redis.ResponseError, match="^INVALID sku must "):
        client.execute_command("STOCK.SET", name, 1)


def test_minted_ids_differ_and_name_the_hold(client, sku):
    client.execute_command("STOCK.SET", sku, 100)
    with client.pipeline(transaction=False) as pipe:
        for _ in range(100):
            pipe.execute_command("STOCK.HOLD", sku, "*", 1)
        ids = [as_map(reply)["id"] for reply in pipe.execute()]
    assert len(set(ids)) == 100 and all(one.isdecimal() for one in ids)
    assert as_map(client.execute_command("STOCK.CONFIRM", sku, ids[50]))["state"] == "confirmed"


def test_same_id_repeats_the_first_receipt(client, sku):
    client.execute_command("STOCK.SET", sku, 5)
    first = as_map(client.execute_command("STOCK.HOLD", sku, "a", 2))
    again = as_map(client.execute_command("STOCK.HOLD", sku, "a", 2))
    assert again == {**first, "repeated": 1}
    assert figures(client, sku) == (3, 2, 0)


# What the client does by itself


def test_replies_are_bytes_unless_decoding_is_asked_for(server, protocol, sku):
    with redis.Redis(port=server.port, protocol=protocol) as client:
        client.execute_command("STOCK.SET", sku, 1)
        held = as_map(client.execute_command("STOCK.HOLD", sku, "été", 1))
    assert held["id"] == "été".encode() and held["state"] == b"held" and held["quantity"] == 1


def test_client_with_its_defaults_is_served(server, sku):
    with redis.Redis(port=server.port) as client:
        client.execute_command("STOCK.SET", sku, 4)
        assert as_map(client.execute_command("STOCK.GET", sku))["available"] == 4
    with redis.from_url(f"redis://127.0.0.1:{server.port}/0") as client:
        assert client.ping()


def test_handshake_introduces_the_library(server, protocol):
    with Proxy(server.address) as proxy:
        with redis.Redis(port=proxy.port, protocol=protocol, client_name="till-4") as client:
            assert client.ping()
            assert text(client.client_getname()) == "till-4"
        said = bytes(proxy.requests)
    assert b"SETINFO" in said and b"LIB-NAME" in said and b"LIB-VER" in said
    assert (b"HELLO" in said) == (protocol == 3)


def test_health_check_pings_a_connection_that_was_quiet(server, protocol):
    with Proxy(server.address) as proxy:
        options = {"protocol": protocol, "health_check_interval": 30}
        with redis.Redis(port=proxy.port, single_connection_client=True, **options) as client:
            client.echo("before")
            pings = proxy.requests.count(b"PING")
            client.connection.next_health_check = time.monotonic() - 1  # 30 s went by
            assert text(client.echo("after")) == "after"
        assert proxy.requests.count(b"PING") == pings + 1


def test_pool_shares_its_connections_among_threads(server, protocol, sku):
    pool = redis.BlockingConnectionPool(
        host="127.0.0.1", port=server.port, protocol=protocol, decode_responses=True, max_connections=4
    )
    with redis.Redis(connection_pool=pool) as client:
        client.execute_command("STOCK.SET", sku, 300)

        def buy(n):
            try:
                client.execute_command("STOCK.HOLD", sku, f"h{n}", 1)
                client.execute_command("STOCK.CONFIRM", sku, f"h{n}")
                return "sold"
            except redis.ResponseError as error:
                return str(error).split()[0]

        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            ends = list(threads.map(buy, range(400)))
        assert (ends.count("sold"), ends.count("SOLDOUT")) == (300, 100)
        assert figures(client, sku) == (0, 0, 300)
    pool.disconnect()


def test_asyncio_client_is_served(server, protocol, sku):
    async def story():
        async with redis.asyncio.Redis(
            port=server.port, protocol=protocol, decode_responses=True, max_connections=20
        ) as client:
            await client.execute_command("STOCK.SET", sku, 10)
            holds = [client.execute_command("STOCK.HOLD", sku, f"h{n}", 1) for n in range(15)]
            return await asyncio.gather(*holds, return_exceptions=True)

    ends = asyncio.run(story())
    errors = [str(end) for end in ends if isinstance(end, Exception)]
    assert errors == ["SOLDOUT available=0"] * 5


def test_housekeeping_commands_parse(client, protocol):
    assert client.ping() is True and client.echo("ü b") == "ü b"
    info = client.info()
    assert info["redis_mode"] == "standalone" and info["server_name"] == "tidegate"
    assert info["role"] == "master" and info["connected_clients"] >= 1
    assert "redis_version" not in client.info("clients")
    assert client.client_id() > 0 and client.client_setname("me")
    assert client.select(0)
    greeting = as_map(client.execute_command("HELLO", protocol))
    assert (greeting["server"], greeting["proto"]) == ("tidegate", protocol)


def test_command_tables_parse_and_name_every_command(client):
    names = "SET ADD GET LIST HOLD CONFIRM RELEASE RETURN HOLDINFO HOLDS FLOW".split()
    wanted = {f"stock.{name.lower()}" for name in names}
    table = client.command()
    assert wanted <= {text(name).lower() for name in table}
    assert client.command_count() == len(table)
    docs = as_map(client.execute_command("COMMAND DOCS", *wanted))
    assert set(docs) == wanted
    hold = as_map(docs["stock.hold"])
    arguments = [as_map(argument) for argument in hold["arguments"]]
    assert [one["name"] for one in arguments] == ["sku", "id", "quantity", "buyer", "ttl_ms", "max"]
    assert hold["summary"] and hold["group"] == "stock"


def test_reset_and_quit_are_understood(server):
    with redis.Redis(port=server.port, protocol=2, single_connection_client=True) as client:
        assert text(client.execute_command("RESET")) == "RESET"
        assert client.ping()
        assert text(client.execute_command("QUIT")) in ("OK", True)


def test_password_is_asked_for_and_taken(start_server, protocol):
    server = start_server(password="correct horse")
    with redis.Redis(port=server.port, protocol=protocol, password="correct horse") as client:
        assert client.ping()
    for wrong in ({}, {"password": "battery"}, {"username": "eve", "password": "correct horse"}):
        with redis.Redis(port=server.port, protocol=protocol, **wrong) as client:
            client.set_retry(Retry(NoBackoff(), 0))  # it would try again, with pauses
            with pytest.raises(redis.AuthenticationError):
                client.execute_command("STOCK.GET", "any")
