"""redis-cli, over RESP2 and RESP3: single commands, scripts on standard input, mass insertion."""

import json
import re
import subprocess

import pytest

DEADLINE_S = 30


@pytest.fixture(params=["-2", "-3"], ids=["resp2", "resp3"])
def cli(server, request):
    """Runs redis-cli and gives what it printed and its exit code."""

    def run(*arguments, stdin="", protocol=request.param):
        done = subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(server.port), protocol, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return done.stdout + done.stderr, done.returncode

    return run


def test_receipt_is_printed_field_by_field(cli, sku):
    said, code = cli("STOCK.SET", sku, "10")
    assert code == 0 and said.split() == (
        f"sku {sku} total 10 available 10 held 0 sold 0 version 1".split()
    )


def test_receipt_is_a_json_object(cli, sku):
    cli("STOCK.SET", sku, "10")
    said, code = cli("--json", "STOCK.HOLD", sku, "a b", "4", protocol="-3")
    receipt = json.loads(said)
    assert code == 0 and receipt.pop("expires_at_ms") > 0
    assert receipt == {
        "sku": sku, "id": "a b", "state": "held", "quantity": 4, "available": 6, "repeated": False,
    }


def test_refusal_is_an_error_with_its_facts(cli, sku):
    cli("STOCK.SET", sku, "3")
    assert cli("--no-raw", "STOCK.HOLD", sku, "a", "4")[0] == "(error) SOLDOUT available=3\n"
    assert cli("--no-raw", "STOCK.GET", "nowhere")[0].strip() == "(error) UNKNOWNSKU"
    said, code = cli("-e", "STOCK.HOLD", sku, "a", "4")
    assert said.strip() == "SOLDOUT available=3" and code == 1


def test_piped_commands_are_answered_line_by_line(cli, sku):
    lines = [f"STOCK.SET {sku} 1500"]
    lines += [f'STOCK.HOLD {sku} "hold {n}" 1' for n in range(2_000)]
    lines += [f"STOCK.GET {sku}"]
    said, code = cli(stdin="\n".join(lines) + "\n")
    assert code == 0
    assert len(re.findall(r"\bstate\sheld\b", said)) == 1_500
    assert said.count("SOLDOUT available=0") == 500
    assert said.split()[-12:] == f"sku {sku} total 1500 available 0 held 1500 sold 0 version 1".split()


def as_requests(commands):
    """Commands as RESP, as `redis-cli --pipe` wants them."""
    return "".join(
        f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        for words in map(str.split, commands)
    )


def test_mass_insertion_counts_a_reply_for_every_command(cli, sku):
    holds = [f"STOCK.HOLD {sku} h{n} 1" for n in range(20_000)]
    said, code = cli("--pipe", stdin=as_requests([f"STOCK.SET {sku} 20000", *holds]))
    assert code == 0 and "errors: 0, replies: 20001" in said
    assert "available 0 held 20000" in " ".join(cli("STOCK.GET", sku)[0].split())


def test_mass_insertion_counts_errors_apart_and_goes_on(cli, sku):
    holds = [f"STOCK.HOLD {sku} h{n} 1" for n in range(100)]
    said, code = cli("--pipe", stdin=as_requests([f"STOCK.SET {sku} 60", *holds]))
    assert code == 1 and "errors: 40, replies: 101" in said
    assert said.count("SOLDOUT available=0") == 40


def test_repetition_and_echo_work(cli):
    assert cli("-r", "5", "PING") == ("PONG\n" * 5, 0)
    assert cli("ECHO", "ein Wort – zwei") == ("ein Wort – zwei\n", 0)


def test_documentation_is_printed(cli):
    said, code = cli("COMMAND", "DOCS", "STOCK.HOLD")
    assert code == 0 and "ttl_ms" in said and "BUYER" in said
    assert int(cli("COMMAND", "COUNT")[0]) >= 11


def test_password_is_taken_and_its_lack_is_told(start_server):
    server = start_server(password="correct horse")

    def run(*arguments):
        command = ["redis-cli", "-p", str(server.port), "--no-auth-warning", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return (done.stdout + done.stderr).strip()

    for protocol in ("-2", "-3"):
        assert run(protocol, "-a", "correct horse", "PING") == "PONG"
        assert "NOAUTH" in run(protocol, "STOCK.GET", "any")
        assert "WRONGPASS" in run(protocol, "-a", "wrong", "PING")
