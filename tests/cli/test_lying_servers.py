"""A server that lies ends a run in one line and a hint, never in a traceback, and keeps no key."""

import base64
import contextlib
import json
import socket
import threading
import time

import pytest

from tests.engines.stub_server import Stub, models, reply

KEY = "sk-geheim/42+x"
CHAT = "/v1/chat/completions"
ODD_COUNTS = {"prompt_tokens": -1, "completion_tokens": 2**70}


def serving(*chat):
    """Lists the model `m`, and answers every chat alike."""

    def answer(path, body):
        if path == CHAT:
            return chat
        return (200, models("m")) if path == "/v1/models" else (404, {})

    return Stub(answer)


def inquire(desk, url, *, settings="tries = 1\ntimeout = 5"):
    """Add the server as a teacher, and let it explain mistakes."""
    added = desk.says("models", "add", "--endpoint", url, "--served", "m", "--name", "far")
    assert added.code == 0, added
    card = desk.folder / "models" / "far.toml"
    card.write_text(f"{card.read_text()}\n[endpoint]\n{settings}\n")
    small = ("--task", "arithmetic-1", "--train-limit", 3, "--test-limit", 2, "--batch", 2)
    who = ("--student", "student.script.toml", "--teacher", "far", "--teacher", "far")
    return desk.says("inquire", "fair", *who, *small)


@pytest.mark.parametrize(
    "chat",
    [
        (200, b""),
        (200, b"<html>hello</html>"),
        (200, b'{"choices": [{"message": {"content": "ye'),
        (200, b"[" * 50_000),
        (200, json.dumps(reply()).encode().replace(b"3", b"9" * 5000)),
        (200, json.dumps(reply()).encode().replace(b"3", b"NaN")),
        (200, b"\x1f\x8b\x08\x00" + bytes(999), {"Content-Encoding": "gzip"}),
        (200, None),
        (200, []),
        (200, {}),
        (200, {"choices": []}),
        (200, {"choices": reply()["choices"] * 3, "usage": {}}),
        (200, {"choices": [None]}),
        (200, reply(7)),
        (200, reply({})),
        (200, reply([{"type": "image_url"}])),
        (200, reply(finish="because")),
        (200, reply() | {"usage": ODD_COUNTS}),
        (200, reply() | {"usage": "many"}),
        (204, b""),
        (302, {}, {"Location": "http://evil.example/"}),
        (400, {"error": {"message": "no such \x1b[2J field"}}),
        (401, {"error": "who are you"}),
        (404, b"nothing"),
        (413, b"too much"),
        (429, {}, {"Retry-After": "99999"}),
        (500, {"error": {"message": ["deep", {"er": None}]}}),
        (503, b"\xff\xfe"),
        (999, b""),
        (None, None),
    ],
    ids=range(30),
)
def test_a_run_against_it_ends_in_a_line_that_names_it(desk, chat):
    with serving(*chat) as stub:
        said = inquire(desk, stub.url)
    assert said.code in (1, 2), said
    lines = said.err.strip().splitlines()
    assert lines[-1].startswith("hint: ")
    assert lines[-2].startswith("error: ")
    assert stub.url in lines[-2]
    assert len(lines[-2]) < 1000
    assert all(line.isprintable() for line in lines)
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize(
    "content",
    ["", None, "half \ud83d a face", [{"type": "text", "text": "The answer is 12."}], "nul \x00"],
)
def test_an_odd_text_is_a_reply_all_the_same_and_the_run_goes_on(desk, content):
    with serving(200, reply(content)) as stub:
        said = inquire(desk, stub.url)
        assert said.code == 0, said
        asked = len(stub.calls)
        assert desk.says("db", "verify").code == 0
    assert asked > 2


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
def test_a_server_that_drips_ends_after_the_time_that_its_card_gives(desk, head):
    def listed_or_dripped(peer):
        asked = peer.recv(65536)
        if b"/v1/models" in asked:
            body = json.dumps(models("m")).encode()
            peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        if b" /v1/chat" not in asked:
            peer.sendall(b"HTTP/1.0 404 No\r\nContent-Length: 0\r\n\r\n")
            return
        peer.sendall(head)
        while True:
            peer.sendall(b"x")
            time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accepting, args=(server, listed_or_dripped), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        said = inquire(desk, url, settings="tries = 3\ntimeout = 0.5")
    assert said.code == 1
    assert "gave no answer in 0.5 s\nhint: give it longer: `timeout`" in said.err
    assert time.monotonic() - started < 60


def accepting(server, serve):
    def one(peer):
        with peer, contextlib.suppress(OSError):
            serve(peer)

    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=one, args=(peer,), daemon=True).start()


@pytest.mark.parametrize(
    "quoted",
    [KEY, KEY.replace("/", r"\/"), base64.b64encode(KEY.encode()).decode()],
)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_key_that_a_server_quotes_is_neither_printed_nor_recorded(
    desk, monkeypatch, quoted, status
):
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY_FAR", f" {KEY}\n")
    body = reply("Your key is KEY.") if status == 200 else {"error": "bad key KEY"}
    with serving(status, json.dumps(body).encode().replace(b"KEY", quoted.encode())) as stub:
        said = inquire(desk, stub.url)
    assert (said.code == 0) == (status == 200)
    everything = (said.out + said.err).encode() + b"".join(desk.files().values())
    for spelling in (b"geheim", quoted.encode()):
        assert spelling not in everything
    assert b"[key]" in everything


@pytest.mark.parametrize("key", ["two\nlines", "nul\x1bl", "schlüssel€"])
def test_a_key_that_no_header_holds_is_one_line_that_does_not_quote_it(desk, monkeypatch, key):
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", key)
    with serving(200, reply()) as stub:
        said = desk.says("models", "add", "--endpoint", stub.url, "--served", "m")
        assert stub.calls == []
    assert said.code == 2
    assert "LOCALFAIR_ENDPOINT_KEY holds a character" in said.error
    assert key[:3] not in said.err
