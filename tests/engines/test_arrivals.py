"""Generations that finish together are told together."""

import pytest

from localfair.engines.arrivals import Arrivals, Grouped, close, ready


def groups(closed):
    try:
        yield ["a", "b"]
        yield []
        yield ["c"]
    finally:
        closed.append(True)


def test_each_comes_in_its_turn_and_empty_groups_are_passed_over():
    assert list(Grouped(groups([]))) == ["a", "b", "c"]


def test_those_that_finished_with_the_one_handed_over_are_there_without_waiting():
    arrivals = Grouped(groups([]))
    assert next(arrivals) == "a"
    assert ready(arrivals) == ["b"]
    assert ready(arrivals) == []
    assert next(arrivals) == "c"


def test_what_was_there_when_it_was_closed_can_still_be_taken():
    closed = []
    arrivals = Grouped(groups(closed))
    next(arrivals)
    close(arrivals)
    assert closed == [True]
    assert ready(arrivals) == ["b"]
    with pytest.raises(StopIteration):
        next(arrivals)


def test_a_plain_iterator_tells_of_nothing_and_closes():
    plain = iter(["a"])
    assert not isinstance(plain, Arrivals)
    assert ready(plain) == []
    close(plain)
    closed = []
    generator = groups(closed)
    next(generator)
    close(generator)
    assert closed == [True]
