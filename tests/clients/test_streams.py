"""Stream commands: unmodified redis-py and node-redis here and against a real Redis, whose answers have to
be the same. What differs on purpose, docs/streams.md says; it is not asked here. Errors are compared word by word: this is Redis 7.0."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import redis
from conftest import START_DEADLINE_S, until

DEADLINE_S = 60


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request):
    return request.param


@pytest.fixture
def client(server, protocol):
    with redis.Redis(port=server.port, protocol=protocol, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="session")
def real_port(tmp_path_factory):
    """The port of a real Redis. Without one tests fail, unless CLIENTS_WITHOUT_REDIS=1 says that they are skipped."""
    binary = shutil.which("redis-server")
    if binary is None and os.environ.get("CLIENTS_WITHOUT_REDIS") == "1":
        pytest.skip("CLIENTS_WITHOUT_REDIS=1")
    assert binary is not None, "no redis-server on this machine: CLIENTS_WITHOUT_REDIS=1 skips what is compared with it"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            until(lambda: answers(client), "Redis answers", START_DEADLINE_S)
        yield port
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def answers(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


class Seen:
    """Carries out calls, and keeps what each has answered."""

    def __init__(self, client):
        self.client = client
        self.told = []

    def __getattr__(self, name):
        def call(*args, **options):
            try:
                answer = getattr(self.client, name)(*args, **options)
            except redis.ResponseError as error:
                answer = f"{type(error).__name__}: {error}"
            self.told.append(((name, args, options), answer))
            return answer

        return call


# Each with ids of its own choice: those that are minted are times.


def entries(run, key):
    run.xadd(key, {"a": "1", "b": "2"}, id="1-1")
    run.xadd(key, {"a": "\u00e9 \"\n"}, id="1-2")
    run.xadd(key, {"c": ""}, id="3")
    run.xadd(key, {"c": "x"}, id="3-*")
    run.execute_command("XADD", key, "5-0", "twice", "1", "twice", "2")
    run.xlen(key)
    run.xlen(f"no {key}")
    for low, high in [("-", "+"), ("1", "1"), ("(1-1", "5"), ("2", "3-0"), ("(3-0", "(5-0"), ("9", "+"), ("+", "-")]:
        run.xrange(key, low, high)
        run.xrevrange(key, high, low)
    run.xrange(key, count=2)
    run.xrevrange(key, count=2)
    run.xrange(f"no {key}")
    run.xread({key: "0"})
    run.xread({key: "1-1"}, count=2)
    run.xread({key: "5"})
    run.xread({key: "$"}, block=1)


def groups(run, key):
    run.xgroup_create(key, "g", mkstream=True)
    run.xgroup_create(key, "g", mkstream=True)
    for n in range(1, 8):
        run.xadd(key, {"n": n}, id=f"{n}-0")
    run.xreadgroup("g", "one", {key: ">"}, count=3)
    run.xreadgroup("g", "two", {key: ">"}, count=2)
    run.xreadgroup("g", "three", {key: ">"}, count=1, noack=True)
    run.xpending(key, "g")
    run.xreadgroup("g", "one", {key: "0"})
    run.xreadgroup("g", "one", {key: "2-0"}, count=5)
    run.xreadgroup("g", "four", {key: "0"})
    run.xack(key, "g", "1-0", "2-0", "9-0")
    run.xack(key, "g", "1-0")
    run.xack(key, "no", "1-0")
    run.xpending(key, "g")
    run.xgroup_createconsumer(key, "g", "five")
    run.xgroup_createconsumer(key, "g", "five")
    run.xgroup_delconsumer(key, "g", "two")
    run.xgroup_delconsumer(key, "g", "none")
    run.xpending(key, "g")
    run.xgroup_setid(key, "g", "4")
    run.xreadgroup("g", "one", {key: ">"})
    run.xreadgroup("g", "one", {key: ">"})
    run.xgroup_create(key, "late", id="$")
    run.xreadgroup("late", "one", {key: ">"})
    run.xgroup_destroy(key, "g")
    run.xgroup_destroy(key, "g")
    run.xreadgroup("g", "one", {key: ">"})


def claims(run, key):
    for n in range(1, 6):
        run.xadd(key, {"n": n}, id=f"{n}-0")
    run.xgroup_create(key, "g", id="0")
    run.xreadgroup("g", "dead", {key: ">"}, count=4)
    run.xclaim(key, "g", "me", 3_600_000, ["1-0", "2-0"])
    run.xclaim(key, "g", "me", 0, ["1-0", "7-0"])
    run.xclaim(key, "g", "me", 0, ["2-0"], justid=True)
    run.xclaim(key, "g", "me", 0, ["5-0"])
    run.xclaim(key, "g", "me", 0, ["5-0"], force=True)
    run.xclaim(key, "g", "me", 0, ["3-0"], retrycount=7, idle=0)
    run.xpending(key, "g")
    run.xautoclaim(key, "g", "you", 3_600_000)
    run.xautoclaim(key, "g", "you", 0, count=2)
    run.xautoclaim(key, "g", "you", 0, start_id="3-0", count=2, justid=True)
    run.xpending(key, "g")
    deliveries(run, key)
    run.xdel(key, "1-0", "2-0")
    run.xtrim(key, minid="4-0", approximate=False)
    run.xreadgroup("g", "you", {key: "0"}, count=3)
    run.xautoclaim(key, "g", "me", 0, count=10)
    run.xpending(key, "g")


def deliveries(run, key):
    listed = run.xpending_range(key, "g", "-", "+", 10)
    for item in listed:
        assert 0 <= item.pop("time_since_delivered") < DEADLINE_S * 1000


def trims(run, key):
    for n in range(1, 11):
        run.xadd(key, {"n": n}, id=f"{n}-0")
    run.xtrim(key, maxlen=20)
    run.xtrim(key, maxlen=8, approximate=False)
    run.xtrim(key, minid="5-0", approximate=False)
    run.xadd(key, {"n": 11}, id="11-0", maxlen=3, approximate=False)
    run.xadd(key, {"n": 12}, id="12-0", minid="10-1", approximate=False)
    run.xrange(key)
    run.xdel(key, "12-0", "99-0")
    run.xlen(key)
    run.xadd(key, {"n": 12}, id="12-0")
    run.xtrim(key, maxlen=0, approximate=False)
    run.xrange(key)
    run.xadd(key, {"n": 1}, id="1-0")
    run.xadd(key, {"n": 13}, id="13-0")
    run.xtrim(f"no {key}", maxlen=0, approximate=False)
    run.xadd(f"no {key}", {"a": 1}, nomkstream=True)


def figures(run, key):
    for n in range(1, 5):
        run.xadd(key, {"n": n}, id=f"{n}-0")
    run.xgroup_create(key, "g", id="0")
    run.xgroup_create(key, "h", id="$")
    run.xreadgroup("g", "one", {key: ">"}, count=3)
    stream = run.xinfo_stream(key)
    of_groups = run.xinfo_groups(key)
    consumers = run.xinfo_consumers(key, "g")
    # What Redis keeps in another way, and times.
    for name in ["radix-tree-keys", "radix-tree-nodes", "max-deleted-entry-id", "recorded-first-entry-id"]:
        stream.pop(name, None)
    for group in of_groups:
        group.pop("entries-read")
    for consumer in consumers:
        assert 0 <= consumer.pop("idle") < DEADLINE_S * 1000
        consumer.pop("inactive", None)


def errors(run, key):
    run.xadd(key, {"a": 1}, id="5-5")
    run.xadd(key, {"a": 1}, id="5-5")
    run.xadd(key, {"a": 1}, id="0-0")
    run.xadd(key, {"a": 1}, id="x")
    for words in [
        "XADD {} *",
        "XADD {} * a",
        "XADD {} * a 1 b",
        "XADD {} MAXLEN x * a 1",
        "XADD {} MAXLEN 5 LIMIT 3 * a 1",
        "XTRIM {}",
        "XLEN",
        "XLEN {} b",
        "XRANGE {} x +",
        "XRANGE {} - + COUNT x",
        "XRANGE {} - + LIMIT 5",
        "XRANGE {} - (0-0",
        "XREAD COUNT x STREAMS {} 0",
        "XREAD BLOCK x STREAMS {} 0",
        "XREAD BLOCK -1 STREAMS {} 0",
        "XREAD STREAMS {} x",
        "XREAD GROUP g c STREAMS {} 0",
        "XREADGROUP COUNT 1 BLOCK 1 STREAMS {} 0",
        "XREADGROUP GROUP g c STREAMS {} >",
        "XGROUP CREATE no-such-stream g 0",
        "XGROUP DESTROY {} g",
        "XGROUP SETID {} g 0",
        "XGROUP CREATECONSUMER {} g c",
        "XPENDING {} g",
        "XPENDING {} g - +",
        "XCLAIM {} g c 0 1-1",
        "XAUTOCLAIM {} g c 0 0",
        "XINFO STREAM no-such-stream",
        "XINFO GROUPS no-such-stream",
        "XINFO CONSUMERS {} g",
    ]:
        run.execute_command(*words.format(key).split(" "))
    run.xgroup_create(key, "g")
    for words in [
        "XCLAIM {} g c x 1-1",
        "XCLAIM {} g c 0 1-1 x",
        "XAUTOCLAIM {} g c 0 0 COUNT 0",
        "XAUTOCLAIM {} g c 0 0 LIMIT 5",
        "XPENDING {} g - + x",
        "XGROUP SETID {} g x",
    ]:
        run.execute_command(*words.format(key).split(" "))


SCENARIOS = [entries, groups, claims, trims, figures, errors]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_redis_py_is_answered_as_by_redis(client, real_port, protocol, sku, scenario):
    told = Seen(client)
    scenario(told, f"stream-{sku}")
    with redis.Redis(port=real_port, protocol=protocol, decode_responses=True) as real:
        expected = Seen(real)
        scenario(expected, f"stream-{sku}")
    for (call, answer), (_, answer_of_redis) in zip(told.told, expected.told, strict=True):
        assert answer == answer_of_redis, call


@pytest.mark.parametrize("resp", ["2", "3"], ids=["resp2", "resp3"])
def test_node_redis_is_answered_as_by_redis(server, real_port, sku, resp):
    script = Path(__file__).with_name("streams.mjs")
    command = ["node", script, str(server.port), str(real_port), resp, f"stream-{sku}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# What needs no other Redis to be held against


def test_ids_are_minted_in_order_and_entries_of_any_bytes_come_back(server, protocol, sku):
    with redis.Redis(port=server.port, protocol=protocol) as client:
        key, before_ms = f"stream-{sku}", int(time.time() * 1000) - 1
        ids = [client.xadd(key, {b"\xff\x00": bytes([n])}) for n in range(100)]
        numbers = [tuple(map(int, id.split(b"-"))) for id in ids]
        assert numbers == sorted(set(numbers)) and numbers[0][0] >= before_ms
        assert client.xrange(key) == [(id, {b"\xff\x00": bytes([n])}) for n, id in enumerate(ids)]
        assert client.xrange(key, ids[7], ids[7])[0][0] == ids[7]


def test_an_entry_is_a_message_of_the_topic(client, sku):
    key = f"stream-{sku}"
    client.xadd(key, {"sensor": "7", "heat": "19.8"})
    client.execute_command("TOPIC.GROUP", key, "g")
    given = client.execute_command("TOPIC.READ", key, "g", "me")
    assert '{"sensor":"7","heat":"19.8"}' in str(given)


def test_http_has_no_stream_commands(server):
    with urllib.request.urlopen(f"{server.url}/openapi.json", timeout=DEADLINE_S) as answer:
        document = json.load(answer)
    assert "stream" not in [tag["name"] for tag in document["tags"]]
    assert all(path.startswith("/v1/") for path in document["paths"])


def test_who_blocks_gets_what_comes(client, sku, server, protocol):
    key, got = f"stream-{sku}", []
    client.xgroup_create(key, "g", mkstream=True)

    def wait():
        with redis.Redis(port=server.port, protocol=protocol, decode_responses=True) as waiting:
            got.append(waiting.xreadgroup("g", "me", {key: ">"}, block=0))

    waiting = threading.Thread(target=wait)
    waiting.start()
    client.xadd(key, {"a": "1"}, id="1-1")
    waiting.join(DEADLINE_S)
    assert "1-1" in str(got)


def test_each_entry_is_worked_on_though_a_worker_dies(client, sku):
    """A producer, workers of a group of which one dies with what it has, and one that takes that over."""
    key, done = f"stream-{sku}", set()
    client.xgroup_create(key, "workers", id="0", mkstream=True)
    sent = {client.xadd(key, {"n": n}, maxlen=1_000) for n in range(60)}
    client.xreadgroup("workers", "dead", {key: ">"}, count=10)
    while given := client.xreadgroup("workers", "alive", {key: ">"}, count=7):
        [(_, items)] = given.items() if isinstance(given, dict) else given
        items = items[0] if isinstance(given, dict) else items
        ids = [id for id, _ in items]
        assert client.xack(key, "workers", *ids) == len(ids)
        done.update(ids)
    assert client.xpending(key, "workers")["consumers"] == [{"name": "dead", "pending": 10}]
    start = "0-0"
    while True:
        start, items, gone = client.xautoclaim(key, "workers", "alive", min_idle_time=0, start_id=start, count=4)
        assert gone == []
        done.update(id for id, _ in items)
        client.xack(key, "workers", *[id for id, _ in items])
        if start == "0-0":
            break
    assert done == sent
    assert client.xpending(key, "workers")["pending"] == 0
    [group] = client.xinfo_groups(key)
    assert (group["lag"], group["pending"]) == (0, 0)
