"""One connection: kept, opened again, silent, cut, and never led elsewhere."""

import socket
import ssl
import threading
import time

import pytest

from localfair.machine.http import (
    MOST_BYTES,
    Broken,
    Connection,
    Reply,
    Unreachable,
    machine_certificates,
)
from tests.engines.stub_server import Stub


def listening(serve):
    """A server that gives each connection it accepts, with its number, to `serve`; and its URL."""
    server = socket.create_server(("127.0.0.1", 0))

    def accept():
        for number in range(9):
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                serve(peer, number)

    threading.Thread(target=accept, daemon=True).start()
    return server, f"http://127.0.0.1:{server.getsockname()[1]}"


def answering(peer, number):
    """One answer that says which connection it came by, then the end of the connection."""
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)


def test_one_connection_is_kept_and_what_it_carries_is_json_both_ways():
    peers = []

    def answer(path, body):
        peers.append(threading.get_ident())  # the stub has a thread a connection
        return 200, {"path": path, "got": body}

    with Stub(answer) as stub, Connection(stub.url + "/base/", answer=5) as connection:
        assert connection.ask("/a").json() == {"path": "/base/a", "got": {}}
        body = {"ü": ["😀", 1]}
        assert connection.ask("/b", body).json() == {"path": "/base/b", "got": body}
        assert len(set(peers)) == 1


def test_a_key_goes_along_only_where_there_is_one():
    heads = []

    def overhear(peer, number):
        heads.append(peer.recv(65536))

    server, url = listening(overhear)
    for key in ("", "secret"):
        with Connection(url, key, answer=5) as connection, pytest.raises(Broken):
            connection.ask("/")
    server.close()
    without, with_key = heads
    assert b"Authorization" not in without
    assert b"Authorization: Bearer secret\r\n" in with_key


def test_a_connection_that_the_server_closed_breaks_once_and_is_opened_again():
    server, url = listening(answering)
    with Connection(url, answer=5) as connection:
        assert connection.ask("/").content == b"0"
        with pytest.raises(Broken):
            connection.ask("/")
        assert connection.ask("/").content == b"1"
    server.close()


def test_half_an_answer_is_broken_and_no_part_of_the_next():
    def half(peer, number):
        replies = [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123", b"HTTP/1.1 204 No\r\n\r\n"]
        peer.recv(65536)
        peer.sendall(replies[number])

    server, url = listening(half)
    with Connection(url, answer=5) as connection:
        with pytest.raises(Broken):
            connection.ask("/")
        assert connection.ask("/").status == 204
    server.close()


def test_silence_is_a_timeout_and_nobody_there_is_broken():
    server, url = listening(lambda peer, number: time.sleep(1))
    with Connection(url, answer=0.05) as connection, pytest.raises(TimeoutError):
        connection.ask("/")
    server.close()
    with Connection(url, answer=5) as connection, pytest.raises(Unreachable, match="refused"):
        connection.ask("/")


def test_a_host_that_never_takes_the_connection_is_given_up_soon(monkeypatch):
    def never(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", never)
    with (
        Connection("http://127.0.0.1:9", answer=900) as connection,
        pytest.raises(Unreachable, match="no connection in"),
    ):
        connection.ask("/")


def test_what_is_no_http_is_broken():
    def greet(peer, number):
        peer.recv(65536)
        peer.sendall(b"SSH-2.0-no\r\n")

    server, url = listening(greet)
    with Connection(url, answer=5) as connection, pytest.raises(Broken):
        connection.ask("/")
    server.close()


def test_what_is_under_way_can_be_cut_from_another_thread():
    server, url = listening(lambda peer, number: time.sleep(30))
    failed = []

    def wait():
        try:
            connection.ask("/", {})
        except Broken as error:
            failed.append(error)

    connection = Connection(url, answer=60)
    waiting = threading.Thread(target=wait)
    waiting.start()
    started = time.monotonic()
    while waiting.is_alive() and time.monotonic() - started < 5:
        connection.cut()
        waiting.join(0.02)
    server.close()
    assert failed and not waiting.is_alive()


def test_only_https_asks_for_certificates():
    asked = []

    def trust():
        asked.append("certificates")
        return ssl.create_default_context()

    Connection("https://127.0.0.1:1/v1", answer=1, trust=trust).close()
    Connection("http://127.0.0.1:1/v1", answer=1, trust=trust).close()
    assert asked == ["certificates"]


def test_the_machines_own_certificates_are_read_once_and_must_vouch_for_the_host():
    trust = machine_certificates()
    assert trust is machine_certificates()
    assert trust.verify_mode == ssl.CERT_REQUIRED and trust.check_hostname


# -- servers that lie ---------------------------------------------------------------------------------


def dripping(head):
    """A server that sends one byte every hundredth of a second, for as long as it is heard."""

    def drip(peer, number):
        peer.recv(65536)
        try:
            peer.sendall(head)
            while True:
                peer.sendall(b"x")
                time.sleep(0.01)
        except OSError:
            pass

    return drip


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n270f\r\n",
    ],
)
def test_a_drip_of_bytes_ends_with_the_time_for_the_whole_reply(head):
    server, url = listening(dripping(head))
    started = time.monotonic()
    with Connection(url, answer=0.4) as connection, pytest.raises(TimeoutError):
        connection.ask("/")
    server.close()
    assert 0.3 < time.monotonic() - started < 10


def flooding(head, more):
    """A server that sends a head, and then the same again without end."""

    def flood(peer, number):
        peer.recv(65536)
        try:
            peer.sendall(head)
            while True:
                peer.sendall(more)
        except OSError:
            pass

    return flood


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 2**16),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 99),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"10000\r\n%s\r\n" % (b"x" * 2**16),
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"no chunk\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"f" * 30 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"-5\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", b"x" * 2**16),
        (b"", b"\x16\x03\x01" * 2**12),
    ],
    ids=range(9),
)
def test_a_flood_ends_at_the_most_a_reply_may_be(head, more):
    server, url = listening(flooding(head, more))
    with Connection(url, answer=20) as connection, pytest.raises(Broken):
        connection.ask("/")
    server.close()


def test_a_reply_may_be_as_long_as_it_likes_below_that():
    with (
        Stub(lambda path, body: (200, b" " * (MOST_BYTES // 2) + b"1")) as stub,
        Connection(stub.url, answer=20) as connection,
    ):
        assert connection.ask("/").json() == 1


def test_half_a_reply_is_kept_for_whoever_wants_to_know():
    def half(peer, number):
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")

    server, url = listening(half)
    with Connection(url, answer=5) as connection, pytest.raises(Broken) as broken:
        connection.ask("/")
    server.close()
    assert broken.value.partial == b"123"


def test_a_key_that_the_server_quotes_is_in_neither_reply_nor_error():
    replies = [b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nno s3cret", b"s3cret is wrong\r\n"]

    def quoting(peer, number):
        peer.recv(65536)
        peer.sendall(replies[number])

    server, url = listening(quoting)
    with Connection(url, "s3cret", answer=5) as connection:
        assert connection.ask("/").content == b"no [key]"
        with pytest.raises(Broken) as broken:
            connection.ask("/")
    with Connection(url, "s3cret", answer=5) as connection, pytest.raises(Broken) as broken:
        connection.ask("/")
    server.close()
    assert "s3cret" not in str(broken.value)
    assert broken.value.__cause__ is None


@pytest.mark.parametrize(
    "raw", [b"NaN", b"[1e5, Infinity]", b"[" * 10**5, b"9" * 5000, b"", b"\xff"]
)
def test_what_is_no_json_is_a_value_error(raw):
    with pytest.raises(ValueError):
        Reply(200, raw).json()


def test_half_a_surrogate_pair_becomes_the_replacement_character_everywhere():
    raw = rb'{"a\ud800": ["\udfff", {"b": "\ud83d\ude00"}]}'
    assert Reply(200, raw).json() == {"a\ufffd": ["\ufffd", {"b": "😀"}]}
