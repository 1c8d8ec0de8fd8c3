"""Tracking shuffled objects: who holds what after a few swaps, three choices.

Reads the `task.json` of BIG-bench's tracking_shuffled_objects (three objects), split 70/30.
Without a file it makes its own questions: three people, two or three swaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from localfair.tasks.benchmark import UNVERIFIED, Benchmark
from localfair.tasks.big_bench import LAYOUT
from localfair.tasks.generated import make_items
from localfair.tasks.names import NAMES, words
from localfair.tasks.splits import Item, Part


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
    return tuple(f"the {c} {thing}" for c in _COLOURS)


_SCENES = (
    _Scene("are playing a game", "has", "swap balls", "the game", _colours("ball")),
    _Scene("are exchanging gifts", "has", "swap gifts", "the party", _colours("gift")),
    _Scene("are trying on hats", "wears", "exchange hats", "the afternoon", _colours("hat")),
    _Scene("are drawing pictures", "has", "trade pens", "the lesson", _colours("pen")),
    _Scene("are riding bicycles", "rides", "swap bicycles", "the trip", _colours("bicycle")),
    _Scene(
        "are at a dance", "dances with", "switch partners", "the dance",
        ("Karl", "Helga", "Lola", "Patrick", "Melissa", "Rodrigo", "Jamie", "Ophelia", "Izzi"),
    ),
    _Scene(
        "play in one team", "plays", "trade positions", "the match",
        ("goalkeeper", "striker", "left winger", "right winger", "fullback", "center midfielder"),
    ),
    _Scene(
        "like to trade books", "has", "swap books", "the week",
        ("the atlas", "the cookbook", "the diary", "the dictionary", "the novel", "the poems"),
    ),
    _Scene(
        "are sitting in a row", "sits on", "change seats", "the film",
        ("the stool", "the bench", "the sofa", "the armchair", "the cushion", "the rug"),
    ),
    _Scene(
        "are sharing lunch", "has", "trade lunches", "the break",
        ("the soup", "the salad", "the pizza", "the sandwich", "the curry", "the pasta", "the rice"),
    ),
)  # fmt: skip
_ORDER = ("First", "Then", "Finally")


def make(seed: int) -> Mapping[Part, Sequence[Item]]:
    return make_items("shuffled-objects", draft, seed)


def draft(random: Random, number: int) -> Item:
    """A story with two or three swaps in turn; the rationale follows every swap."""
    scene = random.choice(_SCENES)
    people, things = random.sample(NAMES, 3), random.sample(scene.things, 3)
    pairs = _pairs(random, people, 2 + number % 2)
    holds = dict(zip(people, things, strict=True))
    story, steps = [_start(scene, holds)], []
    for word, (one, other) in zip(_ORDER, pairs, strict=False):
        holds[one], holds[other] = holds[other], holds[one]
        story.append(f"{word}, {one} and {other} {scene.swap}.")
        steps.append(f"After {one} and {other} {scene.swap}, {_state(scene, holds)}.")
    asked = random.choice(people)
    gold = "ABC"[things.index(holds[asked])]
    return Item(
        key=str(number),
        text=" ".join([*story, f"At the end of {scene.end}, {asked} {scene.has}"]),
        gold=gold,
        choices=tuple(things),
        rationale=" ".join(
            [*steps, f"So {asked} {scene.has} {holds[asked]}. The answer is {gold}."]
        ),
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
    one, two, three = holds
    return f"{one}, {two} and {three} {scene.opening}. At the start {_state(scene, holds)}."


def _state(scene: _Scene, holds: Mapping[str, str]) -> str:
    said = [f"{person} {scene.has} {thing}" for person, thing in holds.items()]
    return f"{said[0]}, {said[1]} and {said[2]}"


TASK = Benchmark(
    name="shuffled-objects",
    answer_kind="choice",
    licence=UNVERIFIED,
    public_source="https://github.com/google/BIG-bench (tracking_shuffled_objects)",
    layout=LAYOUT,
    make=make,
)
