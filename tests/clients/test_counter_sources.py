"""A topic as a source of a counter: what its messages say, counted beside a count in Python."""

import collections
import json
import random

import redis
from conftest import as_map, items, text, until

KEYS = [f"k{n}" for n in range(40)]
COUNTRIES = ["de", "at", "ch"]
KILLS = 3


def events(number):
    """Some events: half of them with ids, of which some come twice."""
    rng = random.Random(number)
    made = []
    for n in range(number):
        event = {"key": rng.choice(KEYS), "amount": rng.randint(1, 5), "dims": f"c={rng.choice(COUNTRIES)}"}
        if n % 2:
            event["event"] = f"e{n}"
        made.append(event)
    return made


def messages(made):
    """The events as messages of each form; an event with an id stands twice in its message."""
    rng = random.Random(1)
    left = list(made)
    while left:
        many = rng.randint(1, 9)
        some, left = left[:many], left[many:]
        twice = some + [event for event in some if "event" in event]
        form = rng.choice(["array", "lines"])
        if form == "array":
            yield json.dumps(twice)
        else:
            yield "\n".join(json.dumps(event) for event in twice)


def test_what_messages_say_is_counted_once_over_kills(start_server):
    server = start_server()
    made = events(3_000)
    expected, by_country = collections.Counter(), collections.Counter()
    for event in made:
        expected[event["key"]] += event["amount"]
        by_country[event["dims"][2:], event["key"]] += event["amount"]
    with redis.Redis(port=server.port) as client:
        client.execute_command("COUNTER.CREATE", "views", "BUCKETS", "1h:1d", "DIMS", "c", "SHARDS", 4)
        client.execute_command("TOPIC.CREATE", "clicks")
        client.execute_command("TOPIC.GROUP", "clicks", "views", "ORDER", "none", "LEASE", 500, "TRIES", 1_000)
        client.execute_command("COUNTER.SOURCE", "views", "clicks", "INFLIGHT", 20)
        with client.pipeline(transaction=False) as pipeline:
            for number, message in enumerate(messages(made)):
                pipeline.execute_command("TOPIC.PUBLISH", "clicks", f"m{number}", message)
            pipeline.execute()
    total = sum(expected.values())
    for kill in range(1, KILLS + 1):
        with redis.Redis(port=server.port) as client:
            share = total * kill // (KILLS + 2)
            until(lambda: count(client, "*") >= share, f"{share} to be counted")
        server.kill()
        server.start()
    with redis.Redis(port=server.port) as client:
        until(lambda: lag(client) == 0, "all messages to be settled", 60)
        assert {key: count(client, key) for key in KEYS} == dict(expected)
        assert count(client, "*") == total
        for country in COUNTRIES:
            of_country = {key: n for (own, key), n in by_country.items() if own == country}
            assert leading(client, country) == sorted(of_country.items(), key=lambda one: (-one[1], one[0]))


def count(client, key):
    return as_map(client.execute_command("COUNTER.GET", "views", key))["count"]


def lag(client):
    (group,) = items(client.execute_command("TOPIC.GROUPS", "clicks"))
    assert group["dead"] == 0
    return group["lag"]


def leading(client, country):
    """The keys of one country, by what they have of it."""
    asked = ["FROM", 0, "TO", 4_000_000_000_000, "COUNT", len(KEYS), "WITH", f"c={country}"]
    told = as_map(client.execute_command("COUNTER.TOP", "views", *asked))
    assert told["exact"] and told["missed_at_most"] == 0
    pairs = map(as_map, told["keys"])
    return [(text(pair["key"]), pair["count"]) for pair in pairs]
