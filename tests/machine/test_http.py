"""One connection: kept, opened again, silent, cut, and never led elsewhere."""

import socket
import ssl
import threading
import time

import pytest

from localfair.machine.http import Broken, Connection, machine_certificates
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
        body = {"ü": ["\ud800", 1]}
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
    with Connection(url, answer=5) as connection, pytest.raises(Broken, match="refused"):
        connection.ask("/")


def test_a_host_that_never_takes_the_connection_is_given_up_soon(monkeypatch):
    def never(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", never)
    with (
        Connection("http://127.0.0.1:9", answer=900) as connection,
        pytest.raises(Broken, match="no connection in"),
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
