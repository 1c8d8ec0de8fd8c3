"""Whether a text follows swapped objects step by step, as a question of that kind tells them.

Reads a question and a text; writes nothing. A text may reach the right answer by luck: with three
choices one in three does. It is sound when everything that it says somebody has is so at that
point of the story, and each swap's outcome is said. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SWAP = re.compile(
    r"\b([A-Z][a-z]+)\s+and\s+([A-Z][a-z]+)\s+"
    r"(?:swap|exchange|trade|switch|change|swapped|exchanged|traded|switched|changed)\b"
)
_HAS = re.compile(r"\b([A-Z][a-z]+) (?:has|is|plays|wears|rides|sits|dances|gets)\b")
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_WORDS_BETWEEN = 6  # of a person and of what they have
_MOST_STATES = 32

Holds = Mapping[str, str]  # who has what


@dataclass(frozen=True, slots=True)
class Story:
    """What a question tells: who has what at the start, and after each swap.

    states: the first is the start. swaps: who swapped, one fewer than there are states.
    """

    states: tuple[Holds, ...]
    swaps: tuple[tuple[str, str], ...]


def story(text: str, choices: Sequence[str]) -> Story | None:
    """The story of a question; None when it cannot be followed."""
    swaps = [(swap.group(1), swap.group(2)) for swap in _SWAP.finditer(text)]
    if not swaps or len(swaps) >= _MOST_STATES:
        return None
    start = _SWAP.search(text)
    assert start is not None, "there are swaps"
    opening = text[: start.start()]
    swappers = {person for swap in swaps for person in swap}
    # somebody who never swaps has something too
    people = sorted(swappers.union(_HAS.findall(opening)))
    holds: dict[str, str] = {}
    for person, thing in _statements(opening, people, choices):
        holds.setdefault(person, thing)
    if set(holds.values()) != set(_names(choices)) or len(holds) != len(choices):
        return None
    states = [dict(holds)]
    for left, right in swaps:
        if left not in holds or right not in holds or left == right:
            return None
        holds[left], holds[right] = holds[right], holds[left]
        states.append(dict(holds))
    return Story(tuple(states), tuple(swaps))


def follows(text: str, told: Story, choices: Sequence[str]) -> bool:
    """Whether a text is a sound account of the story.

    Every statement holds at the point that the text has come to, which only goes forward, and of
    each swap's outcome one of the two who swapped is said to have what he now has.
    """
    point = 0
    outcomes: set[int] = set()
    for person, thing in _statements(text, sorted(told.states[0]), choices):
        reached = _next_point(told, point, person, thing)
        if reached is None:
            return False
        point = reached
        if point and person in told.swaps[point - 1]:
            outcomes.add(point)
    return len(outcomes) == len(told.swaps)


def _next_point(told: Story, point: int, person: str, thing: str) -> int | None:
    """The first state from `point` on in which the person has the thing."""
    for number in range(point, len(told.states)):
        if told.states[number].get(person) == thing:
            return number
    return None


def _statements(text: str, people: Sequence[str], choices: Sequence[str]) -> list[tuple[str, str]]:
    """Who is said to have what, in order: a person, a few words, a thing, in one clause."""
    things = _names(choices)
    names = "|".join(re.escape(person) for person in people)
    # longer names first: `the red ball` before `red`
    objects = "|".join(re.escape(thing) for thing in sorted(things, key=len, reverse=True))
    token = re.compile(
        rf"\b(?P<person>{names})\b|(?P<thing>{objects})\b|(?P<word>\w+)|(?P<end>[.;\n])",
        re.IGNORECASE,
    )
    statements: list[tuple[str, str]] = []
    person = None
    words = 0
    canonical = {name.lower(): name for name in people} | {thing.lower(): thing for thing in things}
    for match in token.finditer(text):
        if match.lastgroup == "person":
            person = canonical[match.group().lower()]
            words = 0
        elif match.lastgroup == "end":
            person = None
        elif match.lastgroup == "word":
            words += 1
        elif person is not None and words <= _WORDS_BETWEEN:
            statements.append((person, canonical[match.group().lower()]))
            person = None
    return statements


def _names(choices: Sequence[str]) -> list[str]:
    """Things without article and end mark: `the orange ball.` is `orange ball`."""
    return [_ARTICLE.sub("", choice.strip().rstrip(".")) for choice in choices]
