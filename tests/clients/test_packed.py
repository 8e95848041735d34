"""Events as lines, packed, sent by curl; and a body that would not end."""

import gzip
import json
import subprocess

MIB = 1 << 20


def post(url, folder, body):
    """The status and the answer to a packed body of lines."""
    file = folder / "events.gz"
    file.write_bytes(body)
    headers = ["-H", "Content-Type: application/x-ndjson", "-H", "Content-Encoding: gzip"]
    command = ["curl", "-s", "-w", "\n%{http_code}", *headers, "--data-binary", f"@{file}", url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    answer, status = ended.stdout.rsplit("\n", 1)
    return int(status), json.loads(answer)


def test_packed_lines_are_counted_each_once(server, tmp_path, sku):
    url = f"{server.url}/v1/counters/{sku}"
    declare = ["curl", "-s", "-X", "PUT", "-H", "Content-Type: application/json", "-d", "{}", url]
    subprocess.run(declare, capture_output=True, timeout=60, check=True)
    lines = [json.dumps({"event": f"e{at}", "key": f"k{at % 7}"}) for at in range(500)]
    body = gzip.compress("\n".join(lines).encode())
    status, told = post(f"{url}/events", tmp_path, body)
    assert (status, told["counted"], told["repeated"]) == (200, 500, 0)
    status, told = post(f"{url}/events", tmp_path, body)
    assert (status, told["counted"], told["repeated"]) == (200, 0, 500)


def test_body_that_grows_when_it_is_unpacked_is_refused_and_takes_no_memory(start_server, tmp_path):
    server = start_server()
    bomb = gzip.compress(b" " * (256 * MIB))
    assert len(bomb) < MIB
    before = server.begin_peak()
    for _ in range(20):
        status, told = post(f"{server.url}/v1/counters/c/events", tmp_path, bomb)
        assert (status, told["code"]) == (413, "body_too_large")
    assert server.peak_bytes() - before < 32 * MIB
