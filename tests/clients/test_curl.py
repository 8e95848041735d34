"""curl: what a person at a terminal, or a shell script, gets over HTTP."""

import json
import re
import subprocess
from collections import namedtuple

import pytest

DEADLINE_S = 30

Answer = namedtuple("Answer", "status headers text")


@pytest.fixture
def curl(server):
    return lambda *arguments, **options: run(server, *arguments, **options)


def run(server, path, *arguments, stdin=b""):
    done = subprocess.run(
        ["curl", "-sS", "-i", "--noproxy", "*", "--max-time", "20", *arguments, server.url + path],
        input=stdin,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    # A `100 Continue` may stand before the answer.
    head, body = re.sub(rb"^HTTP/1.1 100 [^\n]*\r\n\r\n", b"", done.stdout).split(b"\r\n\r\n", 1)
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Answer(int(status.split()[1]), headers, body.decode())


def body_of(answer):
    assert answer.headers["content-type"] == "application/json", answer
    return json.loads(answer.text)


def problem_of(answer):
    """The problem in an answer (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem = json.loads(answer.text)
    assert problem["status"] == answer.status and problem["detail"] and problem["title"]
    assert problem["type"].endswith("#" + problem["code"])
    return problem


JSON = ("-H", "content-type: application/json")


def post(value, *more):
    return "-X", "POST", *JSON, *more, "--data", json.dumps(value)


def put(value, *more):
    return "-X", "PUT", *JSON, *more, "--data", json.dumps(value)


@pytest.fixture
def stock(curl, sku):
    """The path of a SKU with ten units."""
    path = f"/v1/stock/{sku}"
    assert curl(path, *put({"total": 10})).status == 200
    return path


def figures(curl, stock):
    info = body_of(curl(stock))
    return info["available"], info["held"], info["sold"]


def test_every_route_answers_with_its_fields(curl, stock, sku):
    assert body_of(curl(stock)) == {
        "sku": sku, "total": 10, "available": 10, "held": 0, "sold": 0, "version": 1,
    }
    assert body_of(curl(f"{stock}/changes", *post({"id": "c", "delta": 5})))["total"] == 15
    hold = {"id": "h", "quantity": 4, "buyer": "ann", "ttl_ms": 600_000, "max": 4}
    held = body_of(curl(f"{stock}/holds", *post(hold)))
    assert held["state"] == "held" and held["available"] == 11 and held["repeated"] is False
    assert body_of(curl(f"{stock}/holds/h/confirm", "-X", "POST"))["state"] == "confirmed"
    returned = body_of(curl(f"{stock}/holds/h/returns", *post({"id": "r", "quantity": 1})))
    assert returned["returnable"] == 3
    assert curl(f"{stock}/holds", *post({"id": "g", "quantity": 1})).status == 200
    assert body_of(curl(f"{stock}/holds/g/release", "-X", "POST"))["state"] == "released"
    details = body_of(curl(f"{stock}/holds/h"))
    assert details["buyer"] == "ann" and len(details["history"]) == 3
    holds = body_of(curl(f"{stock}/holds?state=released"))
    assert [hold["id"] for hold in holds["items"]] == ["g"] and holds["next"] is None
    flow = body_of(curl(f"{stock}/flow?limit=2"))
    assert len(flow["items"]) == 2 and isinstance(flow["next"], str)
    following = body_of(curl(f"{stock}/flow?after={flow['next']}"))
    assert [entry["position"] for entry in following["items"]] == [3, 4, 5, 6, 7]
    assert sku in {item["sku"] for item in body_of(curl(f"/v1/stock?prefix={sku}"))["items"]}
    assert figures(curl, stock) == (12, 0, 3)


def test_same_rows_are_seen_over_both_fronts(curl, server, stock, sku):
    assert curl(f"{stock}/holds", *post({"id": "ü b", "quantity": 3})).status == 200
    command = ["redis-cli", "-p", str(server.port), "--json", "-3", "STOCK.HOLDINFO", sku, "ü b"]
    said = subprocess.run(command, capture_output=True, timeout=DEADLINE_S, check=True).stdout
    assert json.loads(said) == body_of(curl(f"{stock}/holds/%C3%BC%20b"))


def test_idempotency_key_is_the_id(curl, stock):
    key = ("-H", "Idempotency-Key: checkout 7")
    first = body_of(curl(f"{stock}/holds", *post({"quantity": 2}, *key)))
    again = body_of(curl(f"{stock}/holds", *post({"quantity": 2}, *key)))
    assert first["id"] == "checkout 7" and again == {**first, "repeated": True}
    other = problem_of(curl(f"{stock}/holds", *post({"quantity": 3}, *key)))
    assert (other["status"], other["code"]) == (409, "id_conflict")
    differs = curl(f"{stock}/holds", *post({"id": "another", "quantity": 2}, *key))
    assert problem_of(differs)["status"] == 400
    assert figures(curl, stock) == (8, 2, 0)


def test_curl_that_retries_by_itself_holds_once(curl, stock):
    hold = post({"id": "a", "quantity": 2})
    for repeated in (False, True, True):
        assert body_of(curl(f"{stock}/holds", "--retry", "3", *hold))["repeated"] is repeated
    assert figures(curl, stock) == (8, 2, 0)


PROBLEMS = [
    # unknown: 404
    ("/v1/stock/nowhere", (), 404, "unknown_sku"),
    ("{stock}/holds/none", (), 404, "hold_not_found"),
    ("/v1/nothing", (), 404, "unknown_path"),
    ("{stock}", ("-X", "DELETE"), 405, "wrong_method"),
    # a refusal: 409
    ("{stock}/holds", post({"id": "x", "quantity": 11}), 409, "sold_out"),
    ("{stock}", put({"total": 5, "if_version": 9}), 409, "version_changed"),
    # readable but out of range: 422
    ("{stock}/holds", post({"id": "x", "quantity": 0}), 422, "invalid_quantity"),
    ("{stock}/holds", post({"id": "x", "quantity": 1, "max": 2}), 422, "buyer_required"),
    ("{stock}/holds", post({"id": "y" * 129, "quantity": 1}), 422, "out_of_range"),
    ("{stock}/flow?limit=1001", (), 422, "out_of_range"),
    # unreadable: 400
    ("{stock}/holds", ("-X", "POST", *JSON, "--data", '{"id":'), 400, "unreadable"),
    ("{stock}/holds", post([]), 400, "unreadable"),
    ("{stock}/holds", post({"id": "x", "quantity": "many"}), 400, "unreadable"),
    ("{stock}/holds", post({"id": "x", "quantity": 1.5}), 400, "unreadable"),
    ("{stock}/holds", post({"id": "x"}), 400, "unreadable"),
    ("{stock}/holds", post({"quantity": 1}), 400, "unreadable"),
    ("{stock}/holds", post({"id": "x", "quantity": 1, "colour": "red"}), 400, "unreadable"),
    ("{stock}/flow?limit=many", (), 400, "unreadable"),
    ("{stock}/holds", ("-X", "POST", "--data", "id=x&quantity=1"), 415, "unsupported_media_type"),
]


@pytest.mark.parametrize(
    "path, arguments, status, code", PROBLEMS, ids=[f"{row[2]}-{row[3]}-{n}" for n, row in enumerate(PROBLEMS)]
)
def test_every_no_is_a_problem_with_its_status_and_changes_nothing(curl, stock, path, arguments, status, code):
    problem = problem_of(curl(path.format(stock=stock), *arguments))
    assert (problem["status"], problem["code"]) == (status, code)
    assert figures(curl, stock) == (10, 0, 0)


def test_refusal_carries_its_facts(curl, stock):
    assert problem_of(curl(f"{stock}/holds", *post({"id": "x", "quantity": 11})))["available"] == 10


def test_chunked_body_from_standard_input_is_read(curl, stock):
    chunked = ("-X", "POST", *JSON, "-H", "transfer-encoding: chunked", "--data-binary", "@-")
    held = body_of(curl(f"{stock}/holds", *chunked, stdin=b'{"id": "a", "quantity": 2}'))
    assert held["quantity"] == 2
    padded = b'{"id": "b",' + b" " * 900_000 + b'"quantity": 1}'
    assert body_of(curl(f"{stock}/holds", *chunked, stdin=padded))["available"] == 7


@pytest.mark.parametrize("framing", [(), ("-H", "transfer-encoding: chunked")], ids=["length", "chunked"])
def test_body_beyond_the_bound_is_told_so(curl, stock, framing):
    huge = b'{"id": "a",' + b" " * 3_000_000 + b'"quantity": 1}'
    post = ("-X", "POST", *JSON, *framing, "--data-binary", "@-")
    assert problem_of(curl(f"{stock}/holds", *post, stdin=huge))["status"] == 413
    assert figures(curl, stock) == (10, 0, 0)


def test_health_and_readiness_are_told(curl):
    assert body_of(curl("/healthz")) == {"status": "ok"}
    assert body_of(curl("/readyz")) == {"status": "ready"}


def test_metrics_are_prometheus_text_and_count(curl, stock):
    def counted(text, name):
        return int(re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)[1])

    before = curl("/metrics")
    assert before.status == 200 and before.headers["content-type"].startswith("text/plain")
    for line in before.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \d+(\.\d+)?', line), line
    assert curl(f"{stock}/holds", *post({"id": "a", "quantity": 1})).status == 200
    after = curl("/metrics").text
    for name in ["tidegate_records_durable_total", 'tidegate_http_requests_total{class="2xx"}']:
        assert counted(after, name) > counted(before.text, name), name


def test_openapi_names_every_route_and_the_docs_need_no_network(curl):
    document = body_of(curl("/openapi.json"))
    assert document["openapi"].startswith("3.1")
    routes = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    sku = "/v1/stock/{sku}"
    assert {
        ("PUT", sku), ("GET", sku), ("GET", "/v1/stock"), ("POST", f"{sku}/changes"),
        ("POST", f"{sku}/holds"), ("GET", f"{sku}/holds"), ("GET", f"{sku}/holds/{{id}}"),
        ("POST", f"{sku}/holds/{{id}}/confirm"), ("POST", f"{sku}/holds/{{id}}/release"),
        ("POST", f"{sku}/holds/{{hold}}/returns"), ("GET", f"{sku}/flow"),
    } <= routes
    page = curl("/docs")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    assert not re.search(r'(src|href)="https?://', page.text)


def test_many_requests_share_one_connection(server, stock):
    """curl's own pipelining of URLs: a hundred holds over one connection that is kept."""
    command = ["curl", "-sS", "--noproxy", "*", "--max-time", "20", *post({"id": "*", "quantity": 1})]
    command += ["-w", "%{num_connects} %{http_code}\n", "-o", "/dev/null"]
    urls = [f"{server.url}{stock}/holds"] * 20
    for url in urls:
        command += [url, "-o", "/dev/null"]
    said = subprocess.run(command[:-2], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    lines = said.stdout.split("\n")[:-1]
    assert lines == ["1 200"] + ["0 200"] * 9 + ["0 409"] * 10


def test_token_is_asked_for_and_taken(start_server):
    server = start_server(password="secret")
    answer = run(server, "/v1/stock/any")
    assert problem_of(answer)["status"] == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert run(server, "/v1/stock/any", "-H", "Authorization: Bearer wrong").status == 401
    assert run(server, "/v1/stock/any", "-H", "Authorization: Bearer secret").status == 404
    assert run(server, "/readyz").status == 200
