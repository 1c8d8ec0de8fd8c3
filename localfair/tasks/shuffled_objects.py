"""Tracking shuffled objects: who holds what after a few swaps, three choices.

Reads the `task.json` of BIG-bench's tracking_shuffled_objects (three objects), split 70/30.
Without a file it makes its own questions: three people, two or three swaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from localfair.record.nouns import Question
from localfair.tasks.benchmark import UNVERIFIED, Benchmark, concluded
from localfair.tasks.big_bench import LAYOUT
from localfair.tasks.generated import make_items
from localfair.tasks.names import NAMES, words
from localfair.tasks.splits import Item, Part
from localfair.tasks.tracking import follows, story


@dataclass(frozen=True, slots=True)
class _Scene:
    """A story: how it opens, how one has a thing, what a swap is called, how it ends."""

    opening: str
    has: str
    swap: str
    end: str
    things: tuple[str, ...]


_COLOURS = words("red blue green yellow black white orange purple pink brown")


def _colours(thing: str) -> tuple[str, ...]:
    return tuple(f"the {colour} {thing}" for colour in _COLOURS)


def _those(text: str) -> tuple[str, ...]:
    """Things as one reads them, apart by commas."""
    return tuple(text.split(", "))


_SCENES = (
    _Scene("are playing a game", "has", "swap balls", "the game", _colours("ball")),
    _Scene("are exchanging gifts", "has", "swap gifts", "the party", _colours("gift")),
    _Scene("are trying on hats", "wears", "exchange hats", "the afternoon", _colours("hat")),
    _Scene("are drawing pictures", "has", "trade pens", "the lesson", _colours("pen")),
    _Scene("are riding bicycles", "rides", "swap bicycles", "the trip", _colours("bicycle")),
    _Scene(
        "are at a dance",
        "dances with",
        "switch partners",
        "the dance",
        words("Karl Helga Lola Patrick Melissa Rodrigo Jamie Ophelia Izzi"),
    ),
    _Scene(
        "play in one team",
        "plays",
        "trade positions",
        "the match",
        _those("goalkeeper, striker, left winger, right winger, fullback, center midfielder"),
    ),
    _Scene(
        "like to trade books",
        "has",
        "swap books",
        "the week",
        _those("the atlas, the cookbook, the diary, the dictionary, the novel, the poems"),
    ),
    _Scene(
        "are sitting in a row",
        "sits on",
        "change seats",
        "the film",
        _those("the stool, the bench, the sofa, the armchair, the cushion, the rug"),
    ),
    _Scene(
        "are sharing lunch",
        "has",
        "trade lunches",
        "the break",
        _those("the soup, the salad, the pizza, the sandwich, the curry, the pasta, the rice"),
    ),
)
_ORDER = ("First", "Then", "Finally")


def make(seed: int) -> Mapping[Part, Sequence[Item]]:
    """Questions of our own, by part."""
    return make_items("shuffled-objects", draft, seed)


def draft(random: Random, number: int) -> Item:
    """A story with two or three swaps in turn; the rationale follows every swap."""
    # The order of these draws is part of every data set that was made: keep it.
    scene = random.choice(_SCENES)
    people = random.sample(NAMES, 3)
    things = random.sample(scene.things, 3)
    pairs = _pairs(random, people, swaps=2 + number % 2)
    asked = random.choice(people)

    holds = dict(zip(people, things, strict=True))
    story = [_start(scene, holds)]
    steps = []
    for word, (left, right) in zip(_ORDER, pairs, strict=False):
        holds[left], holds[right] = holds[right], holds[left]
        story.append(f"{word}, {left} and {right} {scene.swap}.")
        steps.append(f"After {left} and {right} {scene.swap}, {_state(scene, holds)}.")
    held = holds[asked]
    gold = "ABC"[things.index(held)]
    story.append(f"At the end of {scene.end}, {asked} {scene.has}")
    steps.append(f"So {asked} {scene.has} {held}.")
    return Item(
        key=str(number),
        text=" ".join(story),
        gold=gold,
        choices=tuple(things),
        rationale=concluded(" ".join(steps), gold),
    )


def _pairs(random: Random, people: list[str], swaps: int) -> list[list[str]]:
    """Pairs that swap, none of them twice in a row (that would undo it)."""
    pairs: list[list[str]] = []
    while len(pairs) < swaps:
        pair = random.sample(people, 2)
        if not pairs or set(pair) != set(pairs[-1]):
            pairs.append(pair)
    return pairs


def _start(scene: _Scene, holds: Mapping[str, str]) -> str:
    first, second, third = holds
    return f"{first}, {second} and {third} {scene.opening}. At the start {_state(scene, holds)}."


def _state(scene: _Scene, holds: Mapping[str, str]) -> str:
    """Who holds what: `Ada has the red ball, Ben has ... and Cem has ...`."""
    first, second, third = (f"{person} {scene.has} {thing}" for person, thing in holds.items())
    return f"{first}, {second} and {third}"


def sound(question: Question, text: str) -> bool | None:
    """Whether a text follows the story swap by swap; None for a story that cannot be followed."""
    told = story(question.text, question.choices)
    return None if told is None else follows(text, told, question.choices)


TASKS = (
    Benchmark(
        name="shuffled-objects",
        answer_kind="choice",
        licence=UNVERIFIED,
        public_source="https://github.com/google/BIG-bench (tracking_shuffled_objects)",
        layout=LAYOUT,
        make=make,
        soundness=sound,
    ),
)
