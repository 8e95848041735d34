"""What pages send without reading an answer, against a server that was told whose pages may."""

import subprocess

import pytest
import redis

from conftest import BINARY

PAGE = "https://shop.example"


def curl(url, *options):
    """The status, the media type and the length of an answer."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{content_type} %{size_download}", *options, url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.strip().split(" ")


def test_pages_of_a_site_that_the_server_was_told_of_count_without_its_password(start_server, tmp_path):
    settings = tmp_path / "tidegate.toml"
    settings.write_text(f'beacon_origins = ["{PAGE}"]\n', encoding="utf-8")
    server = start_server(password="s3cret", settings=settings)
    client = redis.Redis(port=server.port, password="s3cret", protocol=3)
    client.execute_command("COUNTER.CREATE", "views", "UNIQUE", "yes")
    beacon = f"{server.url}/v1/counters/views/beacon"
    posted = curl(beacon, "-H", f"Origin: {PAGE}", "-H", "Content-Type: text/plain", "-d", '{"key":"home","by":"ann"}')
    assert posted[0] == "204" and posted[-1] == "0"
    shown = curl(beacon + "?key=home&by=bob", "-H", f"Referer: {PAGE}/a/page")
    assert shown == ["200", "image/gif", "42"]
    for other in ("https://shop.example.evil.com", "null"):
        assert curl(beacon + "?key=home", "-H", f"Origin: {other}")[0] == "401"
    counted = client.execute_command("COUNTER.GET", "views", "home")
    assert counted[b"count"] == 2
    # What was answered is durable.
    server.kill()
    server.start()
    client = redis.Redis(port=server.port, password="s3cret", protocol=3)
    counted = client.execute_command("COUNTER.GET", "views", "home")
    assert counted[b"count"] == 2


@pytest.mark.parametrize("origin", ["https://shop.example/", "shop.example", "https://Shop.example"])
def test_what_is_no_origin_is_named_before_anything_is_served(tmp_path, origin):
    settings = tmp_path / "tidegate.toml"
    settings.write_text(f'beacon_origins = ["{origin}"]\n', encoding="utf-8")
    for said in (["--beacon-origins", origin], ["--config", settings]):
        command = [BINARY, "serve", "--data", tmp_path / "data", *said]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode != 0
        assert origin in ended.stderr and "must be an origin as browsers name it" in ended.stderr
