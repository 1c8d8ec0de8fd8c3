"""Many calls to one server: order, failures, and what is left when nobody waits any more."""

import threading
import time

import pytest

from localfair.engines.http_client import Call, Client, Limits
from localfair.engines.http_failures import Refused, Served
from localfair.errors import EngineDied, EngineError, PromptTooLong, ReplyError
from tests.engines.stub_server import Stub

AT_ONCE = pytest.mark.parametrize("at_once", [1, 3])


def calls(count):
    return [Call("/x", {"n": n}, tag=n) for n in range(count)]


SERVED = Served("it", "look at its log", "set THE_KEY to the key")
QUICK = Limits(answer=5, tries=3, pause=0.01, longest=0.05)


def client_of(stub, limits=QUICK, **options):
    return Client(stub.url, server=SERVED, limits=limits, **options)


@AT_ONCE
def test_every_call_gets_its_own_answer(at_once):
    with Stub(lambda path, body: (200, {"twice": 2 * body["n"]})) as stub:
        answers = list(client_of(stub).each(calls(7), at_once))
    assert {answer.call.tag: answer.data["twice"] for answer in answers} == {
        n: 2 * n for n in range(7)
    }
    assert all(answer.seconds > 0 for answer in answers)


def test_nothing_asked_is_nothing_answered():
    with Stub(lambda path, body: (200, {})) as stub:
        assert list(client_of(stub).each([], 4)) == []
    assert stub.calls == []


@pytest.mark.parametrize("count", [1, 3])
def test_an_answer_that_takes_too_long_is_an_error(count):
    with Stub(lambda path, body: time.sleep(2) or (200, {})) as stub:
        client = client_of(stub, limits=Limits(answer=0.1))
        with pytest.raises(ReplyError, match=r"no answer in 0\.1 s"):
            list(client.each(calls(count), count))
    assert 1 <= len(stub.calls) <= count


@AT_ONCE
def test_a_refusal_is_not_tried_again_and_has_the_servers_words(at_once):
    with Stub(lambda path, body: (404, {"error": {"message": "no\nsuch thing"}})) as stub:
        with pytest.raises(Refused, match="it refuses /x: status 404, no such thing"):
            next(client_of(stub).each(calls(1), at_once))
        assert len(stub.calls) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_a_key_says_where_it_is_put(status):
    with Stub(lambda path, body: (status, {})) as stub:
        with pytest.raises(EngineError, match="it wants a key") as refused:
            client_of(stub).get("/x")
        assert "THE_KEY" in refused.value.hint


def test_a_server_that_is_known_to_be_dead_is_not_tried_again():
    def dead():
        raise EngineDied("it died", "start it")

    with Stub(lambda path, body: (None, {})) as stub:
        with pytest.raises(EngineDied, match="it died"):
            next(client_of(stub, check=dead).each(calls(1), 1))
        assert len(stub.calls) == 1


def test_leaving_early_ends_every_worker():
    with Stub(lambda path, body: time.sleep(0.05) or (200, {})) as stub:
        begun = client_of(stub).each(calls(20), 4)
        next(begun)
        begun.close()
        names = [thread.name for thread in threading.enumerate() if "_work" in thread.name]
        assert names == []
        assert len(stub.calls) < 20


# -- one call fails by itself -------------------------------------------------------------------------


@AT_ONCE
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_call_that_always_fails_is_tried_as_often_as_said_and_keeps_what_came(status, at_once):
    with Stub(lambda path, body: (status, {"error": "out of pens"})) as stub:
        with pytest.raises(
            ReplyError, match=r"it (stays busy|fails): status .*out of pens"
        ) as failed:
            list(client_of(stub).each(calls(1), at_once))
        assert len(stub.calls) == QUICK.tries
    assert failed.value.raw == b'{"error": "out of pens"}'
    assert failed.value.retryable


@AT_ONCE
def test_a_call_that_fails_by_itself_can_be_handed_over_while_the_others_go_on(at_once):
    def answer(path, body):
        return (500, {}) if body["n"] == 2 else (200, {"n": body["n"]})

    failures = []
    with Stub(answer) as stub:
        handed_over = lambda call, error: failures.append((call.tag, error.retryable))  # noqa: E731
        answers = list(client_of(stub).each(calls(5), at_once, handed_over))
    assert sorted(answer.data["n"] for answer in answers) == [0, 1, 3, 4]
    assert failures == [(2, True)]


@pytest.mark.parametrize(
    ("status", "words", "error", "hint"),
    [
        (400, "unknown field", ReplyError, "does not take"),
        (400, "context length exceeded", PromptTooLong, "lower max_tokens"),
        (401, "bad key", EngineError, "to the key"),
        (404, "no such model", Refused, "under this name"),
        (413, "too large", ReplyError, "lower max_tokens"),
        (302, "elsewhere", Refused, "no redirect is followed"),
    ],
)
def test_each_status_has_the_servers_words_and_a_hint_that_fits(status, words, error, hint):
    with Stub(lambda path, body: (status, {"error": {"message": words}})) as stub:
        with pytest.raises(error, match=words) as failed:
            list(client_of(stub).each(calls(1), 1))
        assert len(stub.calls) == 1
    assert hint in failed.value.hint
    assert "running" not in failed.value.hint


def test_a_redirect_is_not_followed():
    with Stub(lambda path, body: (200, {})) as other:
        where = {"Location": f"{other.url}/x"}
        with Stub(lambda path, body: (307, {}, where)) as stub, pytest.raises(Refused):
            list(client_of(stub).each(calls(1), 1))
        assert other.calls == []


def test_a_server_says_when_to_come_back_and_is_not_asked_before():
    times = []

    def answer(path, body):
        times.append(time.monotonic())
        return (429, {}, {"Retry-After": "9"}) if len(times) == 1 else (200, {})

    with Stub(answer) as stub:
        limits = Limits(answer=5, tries=2, pause=0.001, longest=0.3)
        list(client_of(stub, limits).each(calls(1), 1))
    assert times[1] - times[0] >= 0.3  # no longer than the longest pause


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"choices": [',
        b"<html><body>502</body></html>",
        b"\x1f\x8b\x08 compressed",
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"n": NaN}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_json_is_one_failed_call_with_its_bytes(body):
    with Stub(lambda path, _: (200, body)) as stub, pytest.raises(ReplyError) as failed:
        list(client_of(stub).each(calls(1), 1))
    assert "with no JSON" in failed.value.message
    assert failed.value.raw == body[: 2**16]
    assert len(failed.value.message) < 500
