"""Many calls to one server: order, failures, and what is left when nobody waits any more."""

import threading
import time

import pytest

from localfair.engines.http_client import Call, Client, Limits, Refused
from localfair.errors import EngineDied, EngineError
from tests.engines.stub_server import Stub

AT_ONCE = pytest.mark.parametrize("at_once", [1, 3])


def calls(count):
    return [Call("/x", {"n": n}, tag=n) for n in range(count)]


def client_of(stub, **options):
    return Client(stub.url, who="it", hint="look at its log", **options)


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
        with pytest.raises(EngineDied, match="no answer in"):
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
        assert "LOCALFAIR_ENDPOINT_KEY" in refused.value.hint


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
