"""Bytes that are no request, and peers that do not play fair, over raw sockets.

Whatever arrives gets an error or a close within a deadline, memory follows what has arrived and
never what was announced, and everyone else is served meanwhile.
"""

import contextlib
import random
import select
import socket
import struct
import time

import pytest
from conftest import ANSWER_DEADLINE_S, until

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

# What an allocator's pages, grown tables and the rows of a test may add beside what is bounded.
SLACK_BYTES = 16 * MIB
# Bytes that the server keeps for one peer that does not read: 1 MiB of answers, as much again
# while they grow, and the read buffer.
UNREAD_BYTES_MAX = 3 * MIB


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server for these tests alone, warmed up, so that its memory tells of them."""
    from conftest import Server

    server = Server(tmp_path_factory.mktemp("malformed") / "data").start()
    with server.connect() as peer:
        peer.sendall(b"PING\r\n" * 10_000)
        read_until(peer, b"+PONG\r\n" * 10_000)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def unharmed(own):
    """After each test the same process serves new connections, and none of the old ones is left."""
    process = own.process.pid
    sockets = own.sockets()
    yield
    assert own.process.poll() is None and own.process.pid == process, own.complaints()
    assert "panicked" not in own.complaints()
    assert_served(own)
    until(lambda: own.sockets() <= sockets, "the connections of the test are given back")


def assert_served(server, deadline_s=ANSWER_DEADLINE_S):
    began = time.monotonic()
    with server.connect() as peer:
        peer.sendall(b"PING\r\nSTOCK.SET probe 1\r\n")
        assert read_until(peer, b"version\r\n:").startswith(b"+PONG\r\n")
    assert time.monotonic() - began < deadline_s


def read_until(peer, end):
    """What arrives, to where `end` stands; the socket's own time-out is the deadline."""
    got = bytearray()
    while end not in got[-(1 << 16) - len(end) :]:
        piece = peer.recv(1 << 16)
        assert piece, f"closed after {bytes(got[-200:])}"
        got += piece
    return bytes(got)


def read_to_end(peer):
    """What arrives before the close; a reset is a close."""
    got = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := peer.recv(1 << 16):
            got += piece
    return bytes(got)


def send(peer, data):
    """Sends what the server takes; that it closes on the way is its right."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        peer.sendall(data)


def request(*words):
    words = [word if isinstance(word, bytes) else word.encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


# Frames that can never become a request: an error, then a close, without the peer's help.

MALFORMED = {
    "count is no number": b"*x\r\n",
    "count is empty": b"*\r\n",
    "count is negative": b"*-1\r\n",
    "count is very negative": b"*-9223372036854775808\r\n",
    "count is signed": b"*+1\r\n$4\r\nPING\r\n",
    "count has a leading zero": b"*01\r\n$4\r\nPING\r\n",
    "count has a blank": b"* 1\r\n$4\r\nPING\r\n",
    "count has a fraction": b"*1.0\r\n$4\r\nPING\r\n",
    "count is huge": b"*1073741824\r\n",
    "count is beyond the bound by one": b"*4097\r\n",
    "count is beyond 32 bits": b"*4294967297\r\n$4\r\nPING\r\n",
    "count is beyond 64 bits": b"*18446744073709551617\r\n$4\r\nPING\r\n",
    "count never ends": b"*" + b"1" * 100_000,
    "count ends without line feed": b"*1\rx$4\r\nPING\r\n",
    "count ends without carriage return": b"*1\n$4\r\nPING\r\n",
    "length is no number": b"*1\r\n$x\r\n",
    "length is empty": b"*1\r\n$\r\n\r\n",
    "length is null": b"*1\r\n$-1\r\n",
    "length is negative": b"*2\r\n$4\r\nECHO\r\n$-5\r\nhello\r\n",
    "length is signed": b"*1\r\n$+4\r\nPING\r\n",
    "length has a leading zero": b"*1\r\n$04\r\nPING\r\n",
    "length is 1 GiB": b"*2\r\n$4\r\nECHO\r\n$1073741824\r\n",
    "length is beyond the bound by one": b"*2\r\n$4\r\nECHO\r\n$1048577\r\n",
    "length is beyond 64 bits": b"*1\r\n$18446744073709551620\r\nPING\r\n",
    "length never ends": b"*1\r\n$" + b"9" * 100_000,
    "length is too small": b"*1\r\n$3\r\nPING\r\n",
    "length is too large": b"*1\r\n$5\r\nPING\r\n*1\r\n",
    "argument is a number": b"*1\r\n:4\r\n",
    "argument is a simple string": b"*1\r\n+PING\r\n",
    "argument is nested": b"*1\r\n*1\r\n$4\r\nPING\r\n",
    "arguments are nested very deep": b"*1\r\n" * 100_000,
    "argument is a map": b"*2\r\n$4\r\nECHO\r\n%1\r\n",
    "argument is streamed": b"*2\r\n$4\r\nECHO\r\n$?\r\n;4\r\nabcd\r\n;0\r\n",
    "array is streamed": b"*?\r\n$4\r\nPING\r\n.\r\n",
    "argument is missing its mark": b"*2\r\n$4\r\nECHO\r\n5\r\nhello\r\n",
    "request is too large": b"*4\r\n" + (b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n") * 4,
    "line never ends": b"x" * 70_000,
    "line is too long": b"PING " + b"x" * 70_000 + b"\r\n",
    "line has too many words": b"PING" + b" x" * 5_000 + b"\r\n",
    "quote is open": b'PING "abc\r\n',
    "single quote is open": b"PING 'abc\r\n",
    "quote ends within a word": b'PING "abc"d\r\n',
    "escape ends the line": b'PING "abc\\\r\n',
}


@pytest.mark.parametrize("session", [b"", request("HELLO", "3")], ids=["resp2", "resp3"])
@pytest.mark.parametrize("frame", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_frame_gets_an_error_and_a_close(own, frame, session):
    with own.connect() as peer:
        send(peer, session + b"PING\r\n" + frame)
        before, pong, error = read_to_end(peer).partition(b"+PONG\r\n")
        assert pong, before
        assert error.startswith(b"-ERR Protocol error: ") and error.endswith(b"\r\n"), error
        assert error.count(b"\n") == 1, "one line, and nothing of what follows is taken for a request"


def test_nothing_behind_a_malformed_frame_is_carried_out(own):
    with own.connect() as peer:
        peer.sendall(b"STOCK.SET behind 1\r\n*1\r\n$3\r\nPING\r\nSTOCK.HOLD behind a 1\r\n")
        read_to_end(peer)
    with own.connect() as peer:
        peer.sendall(b"STOCK.GET behind\r\n")
        assert b"held\r\n:0\r\n" in read_until(peer, b"version\r\n:1\r\n")


def test_error_reaches_a_peer_that_goes_on_writing(own):
    with own.connect() as peer:
        send(peer, b"*1\r\n$99999999\r\n" + b"x" * 4 * MIB)
        assert read_to_end(peer).startswith(b"-ERR Protocol error: invalid bulk length\r\n")


# Frames of another kind than a request: an error, and the connection goes on.

STRANGE = {
    "simple string": b"+OK\r\n",
    "error": b"-ERR no\r\n",
    "number": b":1\r\n",
    "bulk string alone": b"$4\r\n",
    "map": b"%1\r\n",
    "set": b"~1\r\n",
    "push": b">1\r\n",
    "null": b"_\r\n",
    "true": b"#t\r\n",
    "attribute": b"|1\r\n",
    "inline of any bytes": bytes(set(range(256)) - set(b"\n\r\"'*")) + b"\r\n",
    "name of nothing": request(""),
    "name of any bytes": request(bytes(range(256))),
    "name of a mebibyte": request(b"x" * MIB),
    "very many arguments": request("NONE", *["x"] * 4_095),
    "binary arguments": request("STOCK.GET", b"\xff\0\r\n"),
    "GET of a browser": b"GET / HTTP/1.1\r\n",
}


@pytest.mark.parametrize("frame", STRANGE.values(), ids=STRANGE.keys())
def test_strange_frame_gets_one_error_and_the_connection_goes_on(own, frame):
    with own.connect() as peer:
        peer.sendall(frame + request("ECHO", "still here"))
        error, rest = read_until(peer, b"still here\r\n").split(b"\r\n", 1)
        assert error.startswith((b"-ERR ", b"-INVALID ")), error
        assert rest == b"$10\r\nstill here\r\n"


@pytest.mark.parametrize("frame", [b"\r\n", b"\n", b"  \t \r\n", b"*0\r\n", b'\r\n*0\r\n\n'])
def test_empty_request_asks_for_nothing(own, frame):
    with own.connect() as peer:
        peer.sendall(frame * 1_000 + b"PING\r\n")
        assert read_until(peer, b"\r\n") == b"+PONG\r\n"


def test_post_of_a_browser_is_closed_before_its_body_is_taken_for_commands(own):
    with own.connect() as peer:
        peer.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSTOCK.SET browser 1\r\n")
        assert b"version" not in read_to_end(peer)
    with own.connect() as peer:
        peer.sendall(b"STOCK.GET browser\r\n")
        assert read_until(peer, b"\r\n").startswith(b"-UNKNOWNSKU")


# Requests that are cut in the middle.


def test_request_cut_anywhere_is_closed_and_has_no_effect(own):
    whole = request("STOCK.SET", "cut", "5", "ALERT", "2")
    for length in range(1, len(whole)):
        with own.connect() as peer:
            peer.sendall(whole[:length])
            peer.shutdown(socket.SHUT_WR)
            assert read_to_end(peer) == b"", whole[:length]
    with own.connect() as peer:
        peer.sendall(b"STOCK.GET cut\r\n")
        assert read_until(peer, b"\r\n").startswith(b"-UNKNOWNSKU")


def test_requests_before_the_cut_are_answered(own):
    with own.connect() as peer:
        peer.sendall(b"PING\r\n" * 1_000 + b"*2\r\n$4\r\nECHO\r\n$100\r\nabc")
        peer.shutdown(socket.SHUT_WR)
        assert read_to_end(peer) == b"+PONG\r\n" * 1_000


def test_reset_in_the_middle_harms_nobody(own):
    for _ in range(200):
        peer = own.connect()
        peer.sendall(b"PING\r\n" * 100 + b"*2\r\n$4\r\nECHO\r\n$100\r\nabc")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()


# Random bytes. The seed of a failure stands in the name of the test.

SEEDS = range(300)
ALPHABET = [b"*", b"$", b"\r\n", b"\r", b"\n", b"1", b"0", b"9", b"-", b"4\r\nPING\r\n", b'"', b"'", b"\\x", b"\xff"]


@pytest.mark.parametrize("block", range(10))
def test_random_frames_get_an_error_or_a_close(own, block):
    for seed in SEEDS[block :: 10]:
        chance = random.Random(seed)
        data = bytearray()
        for _ in range(chance.randint(1, 20)):
            valid = request("ECHO", chance.randbytes(chance.randint(0, 40)))
            at = chance.randrange(len(valid))
            data += chance.choice([valid, valid[:at] + chance.choice(ALPHABET) + valid[at + 1 :]])
            data += b"".join(chance.choices(ALPHABET, k=chance.randint(0, 4)))
        with own.connect() as peer:
            send(peer, bytes(data))
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_WR)
            replies = read_to_end(peer)
            assert replies == b"" or replies[:1] in b"+-$", (seed, replies[:200])


# Memory follows what has arrived.


@contextlib.contextmanager
def growth(server, at_most):
    """While the block runs, the server's resident memory never grows by more than this."""
    before = server.begin_peak()
    yield
    grown = server.peak_bytes() - before
    assert grown <= at_most, f"grew by {grown / MIB:.1f} MiB, allowed are {at_most / MIB:.1f}"


@contextlib.contextmanager
def peers(server, count, **options):
    with contextlib.ExitStack() as open_peers:
        yield [open_peers.enter_context(server.connect(**options)) for _ in range(count)]


def test_200_peers_that_announce_a_gibibyte_take_no_memory(own):
    with growth(own, SLACK_BYTES), peers(own, 200) as all_of_them:
        for peer in all_of_them:
            send(peer, b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % GIB + b"x" * KIB)
        for peer in all_of_them:
            assert read_to_end(peer).startswith(b"-ERR Protocol error: invalid bulk length")


ANNOUNCED = {
    "a bulk string of a mebibyte": b"*2\r\n$4\r\nECHO\r\n$1048576\r\n" + b"x" * KIB,
    "4,096 arguments": b"*4096\r\n" + b"$1\r\nx\r\n" * 140,
    "a line": b"ECHO " + b"x" * KIB,
}


@pytest.mark.parametrize("frame", ANNOUNCED.values(), ids=ANNOUNCED.keys())
def test_200_peers_that_send_a_kibibyte_of_what_they_may_take_little_more(own, frame):
    """What is announced is within the bounds, so they are waited for."""
    with peers(own, 200) as all_of_them:
        with growth(own, SLACK_BYTES + 200 * 16 * KIB):
            for peer in all_of_them:
                peer.sendall(frame)
            assert_served(own)
        ready, _, _ = select.select(all_of_them, [], [], 0)
        assert ready == [], "none of them was answered or closed: the rest may still come"


def test_memory_of_large_requests_is_given_back(own):
    def round_of_32():
        with peers(own, 32) as all_of_them:
            for peer in all_of_them:
                peer.sendall(request("ECHO", b"x" * MIB)[:-1])
            assert_served(own)

    round_of_32()
    with growth(own, SLACK_BYTES + 32 * 2 * MIB):
        for _ in range(8):
            round_of_32()


def test_peer_that_sends_one_byte_at_a_time_is_answered(own):
    whole = request("ECHO", "x" * 50_000)
    with own.connect() as peer, growth(own, SLACK_BYTES):
        for at in range(len(whole)):
            peer.sendall(whole[at : at + 1])
        assert read_until(peer, b"x\r\n") == b"$50000\r\n" + b"x" * 50_000 + b"\r\n"


def test_64_peers_that_send_one_byte_at_a_time_hold_nobody_up(own):
    whole = request("STOCK.SET", "slow", "1")
    with peers(own, 64) as all_of_them:
        for at in range(len(whole)):
            for peer in all_of_them:
                peer.sendall(whole[at : at + 1])
            if at % 8 == 0:
                assert_served(own)
        for peer in all_of_them:
            assert read_until(peer, b"version\r\n:1\r\n")


# Peers that ask and never read.

# The kernel's buffers may take some 40 MiB (net.ipv4.tcp_rmem and tcp_wmem), and no more than that
# is sent before the server is found to have stopped; 100,000 requests of 1 KiB are 100 MiB.
# A writable socket that the server does not read from stays unwritable; one that it does read from
# becomes writable within milliseconds.
STALLED_AFTER_S = 2


def send_until_stalled(peer, data):
    """Sends until the server has stopped reading for a while; how many bytes it took."""
    peer.setblocking(False)
    view, sent = memoryview(data), 0
    while sent < len(view):
        _, writable, _ = select.select([], [peer], [], STALLED_AFTER_S)
        if not writable:
            break
        with contextlib.suppress(BlockingIOError):
            sent += peer.send(view[sent : sent + 256 * KIB])
    return sent


def test_peer_that_pipelines_100000_commands_and_never_reads_is_not_read_from(own):
    data = request("ECHO", "x" * KIB) * 100_000
    with own.connect(receive_bytes=64 * KIB) as peer:
        with growth(own, UNREAD_BYTES_MAX + SLACK_BYTES):
            sent = send_until_stalled(peer, data)
            assert sent < len(data) // 2, "the server goes on reading"
            assert_served(own, deadline_s=5)


# What 16 pages under way for one connection take at their peak, however many more it asks for:
# rows read, rendered and put in order, each in a buffer that doubles, on two reader threads, and
# an allocator that keeps what is free for a second. With one that kept it longer: 55 MiB.
PAGES_BYTES_MAX = 80 * MIB

# Commands whose answers are larger than they are; the longest by far.
AMPLIFIED = {
    "docs": request("COMMAND", "DOCS"),
    "command table": request("COMMAND"),
    "pages": request("STOCK.FLOW", "amplified", "LIMIT", "1000"),
    "reads": request("STOCK.GET", "amplified"),
    "refusals": request("STOCK.HOLD", "amplified", "x", "1"),
    "unknown commands": request("x" * 100, *["y" * 20] * 5),
}


@pytest.fixture(scope="module")
def amplified(own):
    with own.connect() as peer:
        peer.sendall(b"STOCK.SET amplified 1000\r\n")
        read_until(peer, b"version\r\n:")
        holds = b"".join(request("STOCK.HOLD", "amplified", f"h{n}", "1") for n in range(1_000))
        peer.sendall(holds)
        read_until(peer, b"available\r\n:0\r\n")


@pytest.mark.usefixtures("amplified")
@pytest.mark.parametrize("kind", AMPLIFIED)
def test_unread_answers_of_100000_commands_take_bounded_memory(own, kind):
    at_most = PAGES_BYTES_MAX if kind == "pages" else UNREAD_BYTES_MAX + SLACK_BYTES
    with own.connect(receive_bytes=64 * KIB) as peer, growth(own, at_most):
        send_until_stalled(peer, AMPLIFIED[kind] * 100_000)
        assert_served(own, deadline_s=5)


def test_16_peers_that_never_read_hold_nobody_up(own):
    data = memoryview(request("ECHO", "x" * KIB) * 100_000)
    with peers(own, 16, receive_bytes=64 * KIB) as all_of_them:
        for peer in all_of_them:
            peer.setblocking(False)
        with growth(own, 16 * UNREAD_BYTES_MAX + SLACK_BYTES):
            sent = dict.fromkeys(all_of_them, 0)
            while writable := select.select([], all_of_them, [], STALLED_AFTER_S)[1]:
                for peer in writable:
                    with contextlib.suppress(BlockingIOError):
                        sent[peer] += peer.send(data[sent[peer] : sent[peer] + 256 * KIB])
                assert max(sent.values()) < len(data) // 2, "the server goes on reading"
            assert_served(own, deadline_s=5)


def test_peer_that_reads_at_last_gets_every_answer_in_order(own):
    count = 100_000
    data = b"".join(request("ECHO", f"{n:0>200}") for n in range(count))
    with own.connect(receive_bytes=64 * KIB) as peer:
        sent = send_until_stalled(peer, data)
        replies = bytearray()
        end = time.monotonic() + 60
        while len(replies) < count * 208:
            assert time.monotonic() < end, f"{len(replies)} of {count * 208} bytes came"
            readable, writable, _ = select.select([peer], [peer] if sent < len(data) else [], [], 10)
            assert readable or writable, "nothing gets on"
            if readable:
                piece = peer.recv(1 << 18)
                assert piece, "closed"
                replies += piece
            if writable:
                with contextlib.suppress(BlockingIOError):
                    sent += peer.send(data[sent : sent + 64 * KIB])
    assert replies == b"".join(b"$200\r\n%0200d\r\n" % n for n in range(count))


def test_300_peers_that_say_nothing_are_kept_and_cost_little(own):
    with growth(own, SLACK_BYTES), peers(own, 300) as all_of_them:
        assert_served(own)
        for peer in all_of_them:
            peer.sendall(b"PING\r\n")
        for peer in all_of_them:
            assert read_until(peer, b"\r\n") == b"+PONG\r\n"
