"""A reply in pieces: what is handed out stays, whatever the next token brings."""

from collections.abc import Iterator

import pytest

from localfair.engines import stream
from localfair.engines.streaming import Growing
from localfair.errors import EngineDied
from localfair.record.nouns import Generation, Message, Request


def grown(steps: list[str], stops: tuple[str, ...] = ()) -> list[str]:
    """The pieces of a text that grew in these steps; the last is the finished one."""
    growing = Growing(stops)
    return [growing.more(text) for text in steps[:-1]] + [growing.rest(steps[-1])]


def test_what_is_new_is_handed_out_once():
    assert grown(["The", "The answer", "The answer", "The answer is"]) == [
        "The",
        " answer",
        "",
        " is",
    ]


def test_half_a_character_waits_for_its_other_half():
    assert grown(["a\ufffd", "a\ufffd\ufffd", "aé!", "aé!"]) == ["a", "", "é!", ""]


def test_what_may_become_a_stop_string_waits_until_it_is_sure():
    assert grown(["x\n", "x\n\n", "x\n\ny", "x\n\ny"], ("\n\n\n",)) == ["x", "", "\n\ny", ""]
    assert grown(["12 Q", "12 Quest", "12 "], ("Question:",)) == ["12 ", "", ""]


def test_of_several_stop_strings_the_earliest_beginning_counts():
    assert grown(["one <e", "one <en", "one "], ("<end>", "en")) == ["one ", "", ""]


class Whole:
    """An engine that gives a reply when it is finished, or none."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.identity = type("Identity", (), {"model": "whole"})()

    def generate(self, requests: list[Request]) -> Iterator[Generation]:
        for text in self.texts:
            yield Generation(
                request=requests[0],
                text=text,
                finish="stop",
                prompt_tokens=1,
                completion_tokens=1,
                seconds=0.0,
            )

    def close(self) -> None:
        """Nothing is held."""


def test_an_engine_that_cannot_stream_gives_its_reply_as_one_piece():
    assert list(stream(Whole("All at once."), Request(messages=(Message("user", "?"),)))) == [
        "All at once."
    ]


def test_an_engine_that_gives_no_reply_is_told():
    with pytest.raises(EngineDied, match="gave no reply"):
        list(stream(Whole(), Request(messages=())))
