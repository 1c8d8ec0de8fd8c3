"""Calls under way at once: what is there, what waits, and fewer when the server's memory is short."""

import threading
import time

import pytest

from localfair.engines.http_client import Client, Limits
from localfair.engines.http_crew import Call
from localfair.engines.http_failures import Served
from localfair.errors import OutOfMemory, ReplyError
from tests.engines.stub_server import Stub


def calls(count):
    return [Call("/x", {"n": n}, tag=n) for n in range(count)]


def client_of(stub):
    return Client(stub.url, server=Served("it"), limits=Limits(tries=2, pause=0.01))


def until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def test_what_has_arrived_is_told_without_waiting():
    with Stub(lambda path, body: (200, {})) as stub:
        answers = client_of(stub).each(calls(6), 6)
        first = next(answers)
        until(lambda: len(stub.calls) == 6)
        time.sleep(0.1)
        rest = answers.ready()
        assert sorted(answer.call.tag for answer in [first, *rest]) == list(range(6))
        assert answers.ready() == list(answers) == []


@pytest.mark.parametrize("at_once", [2, 5])
def test_nothing_new_is_asked_while_more_than_a_batch_is_not_done_with(at_once):
    with Stub(lambda path, body: (200, {})) as stub:
        answers = client_of(stub).each(calls(100), at_once)
        next(answers)
        time.sleep(0.4)
        # a batch that waits, one more, and as many as were under way when that was seen
        assert len(stub.calls) <= 2 * at_once + 1
        taken = 1 + len(answers.ready())
        time.sleep(0.2)
        assert len(stub.calls) <= 2 * at_once + 1  # what was taken is not done with before the next
        assert taken + len(list(answers)) == 100


def test_what_arrived_before_it_was_left_can_be_taken_after_and_what_was_cut_is_no_failure():
    def answer(path, body):
        if body["n"] >= 3:
            time.sleep(30)
        return 200, {}

    failures = []
    with Stub(answer) as stub:
        answers = client_of(stub).each(calls(6), 6, lambda *failure: failures.append(failure))
        first = next(answers)
        until(lambda: len(stub.calls) == 6)
        time.sleep(0.1)
        answers.close()
        tags = {a.call.tag for a in [first, *answers.ready()]}
    assert tags == {0, 1, 2}
    assert failures == []
    assert list(answers) == []


def test_a_failure_among_those_that_are_there_is_told_with_the_next():
    def answer(path, body):
        return (400, {"error": "no"}) if body["n"] == 1 else (200, {})

    failures = []
    with Stub(answer) as stub:
        handed_over = lambda call, error: failures.append(call.tag)  # noqa: E731
        answers = client_of(stub).each(calls(3), 3, handed_over)
        until(lambda: next(answers) and True)
        time.sleep(0.2)
        answers.ready()
        assert list(answers) == []
    assert failures == [1]


@pytest.mark.parametrize(
    ("status", "words"), [(507, "no"), (500, "CUDA out of memory"), (400, "Out of memory")]
)
def test_a_server_short_of_memory_is_asked_fewer_at_once_and_everything_is_answered(
    status, words, capsys
):
    under_way = 0
    most = []
    lock = threading.Lock()

    def answer(path, body):
        nonlocal under_way
        with lock:
            under_way += 1
            now = under_way
        time.sleep(0.02)
        with lock:
            under_way -= 1
        most.append(now)
        return (status, {"error": words}) if now > 3 else (200, {})

    with Stub(answer) as stub:
        client = client_of(stub)
        tags = sorted(a.call.tag for a in client.each(calls(40), 16))
        assert tags == list(range(40))
        most.clear()
        assert len(list(client.each(calls(10), 16))) == 10
    assert max(most) <= 4  # it is remembered
    assert capsys.readouterr().err.count("too little memory") == 1


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_server_too_short_for_one_call_ends_in_a_line(at_once):
    short = pytest.raises(OutOfMemory, match="it has too little memory for one")
    with Stub(lambda path, body: (507, {"error": "full"})) as stub, short:
        list(client_of(stub).each(calls(4), at_once, lambda *failure: None))


def test_leaving_it_without_a_word_ends_every_worker():
    with Stub(lambda path, body: time.sleep(0.02) or (200, {})) as stub:
        answers = client_of(stub).each(calls(50), 4)
        next(answers)
        del answers
        assert [t.name for t in threading.enumerate() if "_work" in t.name] == []
        assert len(stub.calls) < 50


def test_an_error_without_a_handler_is_raised_and_ends_every_worker():
    with Stub(lambda path, body: (400, {})) as stub, pytest.raises(ReplyError):
        list(client_of(stub).each(calls(20), 4))
    assert [t.name for t in threading.enumerate() if "_work" in t.name] == []
