"""node-redis, over RESP2 and RESP3: each case is a function in `clients.mjs`."""

import subprocess
from pathlib import Path

import pytest

DEADLINE_S = 60

CASES = {
    "every_command": "every command is answered with its fields",
    "auto_pipelining": "a thousand commands at once are answered in order",
    "errors_by_first_word": "errors keep their first word",
    "any_text_in_ids": "ids hold any text, minted ones are strings",
    "typed_replies": "replies are maps in RESP3 and arrays in RESP2",
    "housekeeping": "the commands of every Redis server answer",
    "pool": "a pool sells what there is and no more",
    "lost_connection": "a hold asked for again after a lost connection is held once",
}


@pytest.mark.parametrize("resp", ["2", "3"], ids=["resp2", "resp3"])
@pytest.mark.parametrize("case", CASES)
def test_node_redis_holds(server, sku, case, resp):
    script = Path(__file__).with_name("clients.mjs")
    command = ["node", script, case, str(server.port), resp, sku]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, f"{CASES[case]}:\n{done.stdout}{done.stderr}"
