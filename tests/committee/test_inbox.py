"""What has arrived is kept until it is said to be on disk."""

from localfair.committee.inbox import Inbox
from localfair.engines.arrivals import Grouped


def inbox(*groups):
    return Inbox("whoever", Grouped(group for group in groups))


def test_what_arrives_together_comes_together_until_there_is_no_more():
    waiting = inbox(["a", "b"], ["c"])
    assert waiting.next() == ["a", "b"]
    waiting.written()
    assert waiting.next() == ["c"]
    waiting.written()
    assert waiting.next() == []


def test_what_was_taken_out_and_not_written_is_there_at_the_end():
    waiting = inbox(["a", "b"], ["c"])
    waiting.next()
    assert waiting.rest() == ["a", "b"]
    waiting.written()
    assert waiting.rest() == []


def test_a_plain_iterator_is_taken_one_by_one():
    waiting = Inbox("whoever", iter(["a", "b"]))
    assert waiting.next() == ["a"]
    waiting.written()
    assert waiting.rest() == []
