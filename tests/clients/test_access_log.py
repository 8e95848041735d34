"""A request log into a counter, in shuffled order, twice, while the server is killed; beside a count of its own."""

import gzip
import json
import os
import random
import re
import subprocess
import warnings
from collections import Counter
from pathlib import Path

import redis

from conftest import BINARY, ROOT, until

# The log of a real site, as it lies beside the repository; without it one of the same form is made.
LOG = Path(os.environ.get("ACCESS_LOG", ROOT.parent / "shared/data/apache-access-first-half.log.gz"))
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEY_BYTES_MAX = 128
KILLS = 3
CREATE = "COUNTER.CREATE hits BUCKETS 1h:20y LATE_MS 20y UNIQUE yes DIMS code,method"


class Truth:
    """What the lines say, counted without the server: paths, codes, methods and hours, and different hosts."""

    LINE = re.compile(rb'(\S+) \S+ \S+ \[(\d+)/May/2015:(\d+):[^\]]*\] "(?:(\S+) (\S+)[^"]*|-)" (\d+) ')
    FIRST_MS = 1_430_438_400_000  # 1 May 2015, 00:00 UTC

    def __init__(self, lines):
        self.paths, self.codes, self.methods, self.hours = Counter(), Counter(), Counter(), Counter()
        self.hosts, self.lines = set(), len(lines)
        for line in lines:
            host, day, hour, method, target, code = self.LINE.match(line).groups()
            path = (target or b"-").split(b"?")[0]
            # A longer key ends in a hash, which is not to be counted by here: those are looked at together.
            self.paths[path if len(path) <= KEY_BYTES_MAX else None] += 1
            self.codes[code] += 1
            self.methods[method or b"-"] += 1
            self.hours[self.FIRST_MS + ((int(day) - 1) * 24 + int(hour)) * HOUR_MS] += 1
            self.hosts.add(host)
        self.long = self.paths.pop(None, 0)

    def span(self):
        """Whole days, from the first to the last."""
        first, last = min(self.hours) // DAY_MS * DAY_MS, max(self.hours) // DAY_MS * DAY_MS + DAY_MS
        return f"FROM {first} TO {last}", range(first, last, HOUR_MS)


def test_log_that_comes_twice_in_other_orders_while_the_server_is_killed_is_counted_as_it_stands(start_server, tmp_path):
    lines = real_lines() or made_lines()
    server = start_server()
    asked(server, CREATE)
    reports = [ingest_killing(server, shuffled(lines, 1)), ingest_file(server, tmp_path, shuffled(lines, 2))]
    assert [report["lines"] for report in reports] == [len(lines)] * 2
    assert reports[0]["counted"] + reports[0]["repeated"] == len(lines)
    assert (reports[1]["counted"], reports[1]["repeated"]) == (0, len(lines))
    compare(server, Truth(lines))


def compare(server, truth):
    span, hours = truth.span()
    ask = lambda words, *more: asked(server, words, *more)
    for path, count in truth.paths.items():
        assert ask("COUNTER.GET hits", path)["count"] == count, path
    assert ask("COUNTER.GET hits *")["count"] == sum(truth.paths.values()) + truth.long == truth.lines
    in_hours = ask(f"COUNTER.RANGE hits * {span} STEP {HOUR_MS}")
    assert in_hours["counts"] == [truth.hours[hour] for hour in hours]
    for dim, counts in (("code", truth.codes), ("method", truth.methods)):
        counts = {value: count for value, count in counts.items() if value != b"-"}
        told = ask(f"COUNTER.RANGE hits * {span} STEP {DAY_MS} BY {dim}")["values"]
        assert {one[b"value"]: one[b"total"] for one in told} == counts
    top = ask(f"COUNTER.TOP hits {span} COUNT 20")
    told = [(one[b"key"], one[b"count"]) for one in top["keys"]]
    assert [count for _, count in told] == sorted(truth.paths.values(), reverse=True)[:20]
    assert all(truth.paths[path] == count for path, count in told)
    hosts = ask(f"COUNTER.UNIQUE hits 1 * {span}")
    off = abs(hosts["unique"] - len(truth.hosts))
    assert off <= max(1, len(truth.hosts) * hosts["standard_error_ppm"] / 1_000_000)


def ingest(server, file, **more):
    options = ["--counter", "hits", "--by", "host", "--dim", "code=status", "--dim", "method", "--json"]
    command = [BINARY, "ingest", file, *options, "--addr", f"127.0.0.1:{server.port}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, **more)


def ingest_file(server, folder, lines):
    """The report about a packed file, read as fast as can be."""
    file = folder / "access.log.gz"
    file.write_bytes(gzip.compress(b"".join(lines)))
    return json.loads(ingest(server, file).communicate(timeout=60)[0])


def ingest_killing(server, lines):
    """The report about a pipe: in each piece of it the server is killed once some of its lines are counted."""
    process = ingest(server, "-", stdin=subprocess.PIPE)
    step = -(-len(lines) // (KILLS + 1))
    for number, first in enumerate(range(0, len(lines), step)):
        before = asked(server, "COUNTER.GET hits *")["count"]
        process.stdin.write(b"".join(lines[first : first + step]))
        process.stdin.flush()
        if number < KILLS:
            until(lambda: asked(server, "COUNTER.GET hits *")["count"] > before, "some lines are counted")
            server.kill()
            server.start()
    process.stdin.close()
    report = json.loads(process.stdout.read())
    process.wait(60)
    return report


def asked(server, words, *more):
    with redis.Redis(port=server.port, protocol=3) as client:
        reply = client.execute_command(*words.split(), *more)
    return {name.decode(): value for name, value in reply.items()}


def shuffled(lines, seed):
    lines = list(lines)
    random.Random(seed).shuffle(lines)
    return lines


def real_lines():
    """None if there is no such log here."""
    if not LOG.exists():
        warnings.warn(f"there is no {LOG}: a log is made instead", stacklevel=1)
        return None
    return gzip.open(LOG).read().splitlines(keepends=True)


def made_lines():
    """Four days of a site whose paths and hosts are asked for as such are: few often, and many once."""
    of = random.Random(3)
    skewed = lambda most: int(most ** of.random())
    line = lambda: (
        f"10.0.{skewed(2_000) // 250}.{skewed(250)} - - "
        f"[{of.randrange(17, 21)}/May/2015:{of.randrange(24):02}:{of.randrange(60):02}:00 +0000] "
        f'"{of.choice(["GET"] * 9 + ["POST"])} /page/{skewed(3_000)}?q={of.randrange(9)} HTTP/1.1" '
        f'{of.choice([200] * 8 + [304, 404])} {of.randrange(9_999)} "-" "Mozilla/5.0"\n'
    )
    return [line().encode() for _ in range(5_000)]
